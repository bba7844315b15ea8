"""The runtime directory of a user and the sockets of a stack in it."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
from typing import Final

__all__ = ["SocketPathError", "address", "bind", "candidates", "find", "make", "remove"]

_LONGEST: Final = {"darwin": 103}
_LONGEST_ELSEWHERE: Final = 107
"""Bytes of the longest path in a ``sockaddr_un`` that the system takes."""


class SocketPathError(Exception):
    """A socket's path is longer than the system takes."""


def candidates(environment: dict[str, str]) -> list[str]:
    """Return the places for runtime directories, the best first.

    Args:
        environment: the variables of who asks; ``XDG_RUNTIME_DIR`` is looked at.
    """
    uid = os.getuid()
    places = [f"/run/user/{uid}/booty", f"/tmp/booty-{uid}"]  # noqa: S108 - the owner is checked
    if chosen := environment.get("XDG_RUNTIME_DIR"):
        places.insert(0, os.path.join(chosen, "booty"))
    return places


def find(stack_id: str, environment: dict[str, str]) -> str | None:
    """Return the folder of a stack that is already there; writes nothing."""
    folders = (os.path.join(place, stack_id) for place in candidates(environment))
    return next((folder for folder in folders if os.path.isdir(folder)), None)


def make(stack_id: str, environment: dict[str, str]) -> str:
    """Make the folder of a stack in the first place that is ours alone and short enough.

    Returns:
        The folder, with mode 0700.

    Raises:
        SocketPathError: every usable place is too deep for a socket.
        OSError: no place can be used.
    """
    fault: OSError | SocketPathError | None = None
    for place in candidates(environment):
        folder = os.path.join(place, stack_id)
        try:
            _check_length(os.path.join(folder, "control.sock"))
            _own(place)
            os.makedirs(folder, 0o700, exist_ok=True)
        except (OSError, SocketPathError) as error:
            fault = fault or error
        else:
            return folder
    raise fault or OSError("no place for a runtime directory")


def remove(folder: str, stack_id: str) -> None:
    """Remove the folder of a stack of which nothing runs any more, as far as that can be done.

    Only who holds the stack's lock may call this. Links are not followed.

    Args:
        folder: as :func:`make` returned it; any other is left alone.
        stack_id: the stack's id.
    """
    if os.path.basename(folder) != stack_id or os.path.islink(folder):
        return
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(place, name))
        for name in folders:
            path = os.path.join(place, name)
            with contextlib.suppress(OSError):
                os.unlink(path) if os.path.islink(path) else os.rmdir(path)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _own(place: str) -> None:
    if not os.path.isdir(os.path.dirname(place)):
        raise NotADirectoryError(os.path.dirname(place))
    with contextlib.suppress(FileExistsError):
        os.mkdir(place, 0o700)
    found = os.lstat(place)
    # somebody else could have made it in /tmp before us
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{place} belongs to somebody else")
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(place, 0o700)


def _check_length(path: str) -> None:
    if len(os.fsencode(path)) > _LONGEST.get(sys.platform, _LONGEST_ELSEWHERE):
        raise SocketPathError(path)


def address(path: str) -> str:
    """Return a path that fits into a socket's address.

    Raises:
        SocketPathError: it does not.
    """
    _check_length(path)
    return path


def bind(path: str, kind: socket.SocketKind, backlog: int = 128) -> socket.socket:
    """Bind a unix socket that only this user may reach, in place of a stale one.

    Only who holds the stack's lock may call this: it removes what is there.

    Args:
        path: where.
        kind: ``SOCK_STREAM`` (it listens afterwards) or ``SOCK_DGRAM``.
        backlog: connections that may wait.

    Raises:
        SocketPathError: the path is too long.
        OSError: it cannot be bound.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    made = socket.socket(socket.AF_UNIX, kind)
    try:
        made.bind(address(path))
        os.chmod(path, 0o600)
        if kind == socket.SOCK_STREAM:
            made.listen(backlog)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made
