"""How a command that failed says so: in words on stderr, with ``--json`` as data on stdout too."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from booty.errors import BootyError, BootyErrors

__all__ = ["is_of_output", "misused", "show", "unexpected", "unprinted"]

UNEXPECTED: Final = 1
USAGE: Final = 2
_REFUSED: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))


def show(error: BootyError | BootyErrors, *, verbose: int = 0, as_json: bool = False) -> int:
    """Print what is wrong, all of it.

    Args:
        error: one fault, or several.
        verbose: from 2 the traceback is shown.
        as_json: whether an object ``{"error": …}`` goes to stdout as well.

    Returns:
        The exit status.
    """
    from booty.errors import to_data
    from booty.supervise.screen import Screen

    screen = Screen()
    faults: tuple[Any, ...] = getattr(error, "faults", (error,))
    for fault in faults:
        if fault.lines:
            said = "\n".join(f"  | {screen.harmless(line)}" for line in fault.lines)
            click.echo(f"last lines of {fault.subject}:\n{said}", err=True)
        click.echo(f"{fault.reference}: {fault.message}", err=True)
        if fault.hint:
            click.echo(f"  hint: {fault.hint}", err=True)
    if verbose > 1:
        _trace(error)
    if as_json:
        _emit(to_data(error))
    return int(error.status)


def misused(error: click.ClickException, *, as_json: bool = False) -> int:
    """Print what is wrong with how a command was called; returns the exit status."""
    from booty.cli import words

    error.show()
    if instead := words.everything(error):
        click.echo(f"  hint: {instead}", err=True)
    if as_json:
        context = getattr(error, "ctx", None)
        hint = instead or f"{context.command_path} --help" if context else "booty --help"
        message = error.format_message()
        _emit(_plain(error.exit_code, "usage", message, hint))
    return error.exit_code


def is_of_output(error: OSError) -> bool:
    """Tell whether it was the output that is not taken: the disk of its file is full."""
    if error.filename is not None or error.errno not in _REFUSED:
        return False
    try:
        os.write(1, b"\n")  # python forgets what it could not write
    except OSError:
        return True
    return False


def unprinted(error: OSError) -> BootyError:
    """Return the fault of an output that is not taken; python is kept from another try."""
    from booty.errors import BootyError

    sys.stdout = None
    return BootyError(
        f"cannot write to the standard output: {error.strerror}",
        reference="output-refused",
        hint="make room where it goes",
    )


def unexpected(error: Exception, *, verbose: int = 0, as_json: bool = False) -> int:
    """Print what nobody thought of; returns the exit status."""
    message = f"{type(error).__name__}: {error}"
    hint = "run again with -vv for the traceback; it is a fault of booty"
    if verbose > 1:
        _trace(error)
    else:
        click.echo(f"unexpected: {message}", err=True)
        click.echo(f"  hint: {hint}", err=True)
    if as_json:
        _emit(_plain(UNEXPECTED, "unexpected", message, hint))
    return UNEXPECTED


def _plain(status: int, reference: str, message: str, hint: str) -> dict[str, Any]:
    return {
        "status": status,
        "reference": reference,
        "message": message,
        "subject": None,
        "hint": hint,
    }


def _emit(fault: dict[str, Any]) -> None:
    click.echo(json.dumps({"error": fault}, indent=1, ensure_ascii=False))


def _trace(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error)
