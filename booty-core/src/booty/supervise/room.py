"""Room for what a start writes, looked for before anything is stopped. Standard library alone."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.state import Folder

__all__ = ["refuse_full"]

WANTED: Final = 1 << 14
"""Bytes that a start with its files, rows and first words needs about."""


def refuse_full(folder: Folder, name: str) -> None:
    """Refuse to restart what runs while what is stopped could not be started again.

    Args:
        folder: the state folder.
        name: the instance that would be the first.

    Raises:
        ControlError: it is full, read-only or gone (``state-unwritable``, 7).
    """
    path = f"{folder.logs}/.room"  # where a start writes first, and nobody's log
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _fill(fd)
        finally:
            os.close(fd)
            with suppress(OSError):
                os.unlink(path)
    except OSError as error:
        raise ControlError.of(
            f'cannot restart "{name}": {error.strerror} ("{folder.logs}")',
            reference="state-unwritable",
            status=7,
            subject=name,
            hint="make room, or make it writable; what runs goes on",
        ) from error


def _fill(fd: int) -> None:
    left = WANTED
    while left:
        left -= os.write(fd, bytes(left))
