"""The guardian forked from the command that starts it, where that is as good as a new program.

What both import is then imported once: half of the time until a supervisor says hello. Whatever a
new program would not have is given up first: the command's descriptors, terminal, environment and
ways to import. A guardian's successors are new programs all the same, see
:mod:`booty.supervise.roles`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["guardian", "possible"]

_LOWEST: Final = 3
"""Number of the first descriptor that is none of stdin, stdout, stderr."""
_TASKS: Final = "/proc/self/task"


def possible(fds: Mapping[str, int]) -> bool:
    """Tell whether this process, forked, is what a new one would be.

    Args:
        fds: descriptors that the guardian shall have.
    """
    return (
        os.path.isdir(_TASKS)  # Linux; and a thread would be lost in the middle of something
        and len(os.listdir(_TASKS)) == 1
        and sys.getfilesystemencoding() == "utf-8"
        and sys.gettrace() is None
        and sys.stderr is not None
        and min(fds.values()) >= _LOWEST
        and len(_standard()) > 1
    )


def guardian(arguments: dict[str, Any], log: int, argv: Sequence[str]) -> None:
    """Fork this process; the child becomes the guardian and never returns.

    It stays our child until we end: nobody need wait for it, whoever forked it ends soon.

    Args:
        arguments: see :func:`booty.supervise.guardian.main`.
        log: where it writes what goes wrong.
        argv: what ``ps`` shall say that it is.
    """
    if not os.fork():
        _guard(arguments, log, argv)


def _guard(arguments: dict[str, Any], log: int, argv: Sequence[str]) -> NoReturn:
    try:
        os.setsid()  # before a ctrl-C that is meant for the command can reach it
        _forget(log, argv)
        from booty.supervise import guardian

        guardian.main({**arguments, "alone": True})
    except BaseException:  # noqa: BLE001 - the command's frames are above: nobody else tells
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)


def _forget(log: int, argv: Sequence[str]) -> None:
    # the secrets of a shell are not for who outlives it, nor its folders of modules
    from booty.run import title

    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    null = os.open(os.devnull, os.O_RDONLY)
    for there, ours in enumerate((null, log, log)):
        os.dup2(ours, there)
    os.environ.clear()
    title.show(" ".join(argv))
    os.environ["LC_CTYPE"] = "C.UTF-8"
    sys.path[:] = [_home(), *_standard()]
    sys.meta_path[:] = [one for one in sys.meta_path if _frozen(one)]


def _home() -> str:
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _standard() -> list[str]:
    # where python's own modules are
    own = os.path.dirname(os.path.abspath(os.__file__))
    return [one for one in sys.path if one in {own, f"{own}/lib-dynload"}]


def _frozen(finder: object) -> bool:
    # editable installs and others add their own
    return str(getattr(finder, "__module__", "")).startswith("_frozen_importlib")
