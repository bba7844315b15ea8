"""Wake up when something changes in a folder; where the kernel has no inotify, look every 50 ms."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from booty.run.loop import Loop, Timer

__all__ = ["LOOK", "Changes", "open_inotify"]

LOOK: Final = 0.05
"""Seconds between looks without inotify."""
_MASK: Final = 0x2 | 0x80 | 0x100 | 0x200 | 0x40 | 0x4 | 0x8
"""modify, moved to, create, delete, moved from, attributes, closed after writing."""
_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK: Final = 65536


def open_inotify(folders: list[str]) -> int | None:
    """Return a descriptor that becomes readable when a folder's entries change.

    Returns:
        ``None`` where there is no inotify, or none left for this user.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(_FLAGS)
    if fd < 0:
        return None
    for folder in folders:
        if libc.inotify_add_watch(fd, os.fsencode(folder), _MASK) < 0:
            os.close(fd)
            if ctypes.get_errno() == errno.ENOENT:
                raise FileNotFoundError(folder)
            return None
    return int(fd)


class Changes:
    """Calls back whenever something changed in a folder.

    Args:
        loop: the loop that waits.
        folder: an existing folder.
        call: called once for any number of changes.
    """

    def __init__(self, loop: Loop, folder: str, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._timer: Timer | None = None
        self._fd = open_inotify([folder])
        if self._fd is None:
            self._look()
        else:
            loop.watch(self._fd, self._read)

    def _read(self) -> None:
        if self._fd is not None:
            try:
                os.read(self._fd, _CHUNK)
            except BlockingIOError:
                return
            self._call()

    def _look(self) -> None:
        self._timer = self._loop.after(LOOK, self._look)
        self._call()

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        if self._fd is not None:
            self._loop.unwatch(self._fd)
            os.close(self._fd)
            self._fd = None
