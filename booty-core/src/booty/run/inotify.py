"""Wake up when something changes in a folder; where the kernel has no inotify, look every 50 ms."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from booty.run.libc import libc

if TYPE_CHECKING:
    from booty.run.loop import Loop, Timer

__all__ = ["LOOK", "Changes", "Names", "Stir", "let_go", "open_inotify"]

LOOK: Final = 0.05
"""Seconds between looks without inotify."""
_MASK: Final = 0x2 | 0x80 | 0x100 | 0x200 | 0x40 | 0x4 | 0x8
"""modify, moved to, create, delete, moved from, attributes, closed after writing."""
_GONE: Final = 0x200 | 0x40
"""delete, moved from."""
_MORE: Final = 0x20000000
"""Watch for this too, and still for what others of this descriptor watch the same folder for."""
_FIRST_WRITE: Final = 0x2 | 0x80000000
"""modify, once."""
_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK: Final = 65536
_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000
_EVENT: Final = struct.Struct("iIII")
"""watch, mask, cookie, length of the name."""


def _add(fd: int, folder: str, mask: int = _MASK) -> int | None:
    number = libc().inotify_add_watch(fd, os.fsencode(folder), mask)
    if number >= 0:
        return int(number)
    if ctypes.get_errno() == errno.ENOENT:
        raise FileNotFoundError(folder)
    return None


def open_inotify(folders: list[str]) -> int | None:
    """Return a descriptor that becomes readable when a folder's entries change.

    Returns:
        ``None`` where there is no inotify, or none left for this user.

    Raises:
        FileNotFoundError: a folder is not there.
    """
    if sys.platform != "linux":
        return None
    fd = int(libc().inotify_init1(_FLAGS))
    if fd < 0:
        return None
    try:
        watched = [_add(fd, folder) for folder in folders]
    except FileNotFoundError:
        os.close(fd)
        raise
    if None in watched:
        os.close(fd)
        return None
    return fd


class Changes:
    """Calls back whenever something changed in a folder.

    One descriptor serves a whole loop: the kernel gives a user 128 of them, and closing one takes
    it half a millisecond.

    Args:
        loop: the loop that waits.
        folder: an existing folder.
        call: called once for any number of changes.
        name: the entry of the folder that matters; ``None`` = any.

    Raises:
        FileNotFoundError: there is no such folder.
    """

    def __init__(
        self, loop: Loop, folder: str, call: Callable[[], None], name: str | None = None
    ) -> None:
        self._loop = loop
        self._call = call
        self._name = None if name is None else os.fsencode(name)
        self._timer: Timer | None = None
        self._kernel = _Kernel.of(loop)
        self._watch = self._kernel.add(folder, self)
        if self._watch is None:
            self._look()

    @property
    def told(self) -> bool:
        """Whether the kernel tells of changes; else it is looked for them."""
        return self._watch is not None

    def seen(self, name: bytes) -> None:
        """Take note of a change; an empty name stands for any entry."""
        if not name or self._name in {None, name}:
            self._call()

    def lost(self) -> None:
        """Go on by looking: the folder was removed, another may come in its place."""
        self._watch = None
        self._timer = self._loop.after(LOOK, self._look)

    def _look(self) -> None:
        self._timer = self._loop.after(LOOK, self._look)
        self._call()

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._kernel.drop(self._watch, self)
            self._watch = None


class Names:
    """Tells which entries of one folder changed, one after the other.

    Args:
        loop: the loop that waits.
        folder: an existing folder.
        call: called with the name of an entry; an empty one stands for any, also for the folder.
        only_gone: whether only what vanishes matters.

    Attributes:
        blind: whether the kernel does not tell.

    Raises:
        FileNotFoundError: there is no such folder.
    """

    def __init__(
        self, loop: Loop, folder: str, call: Callable[[str], None], *, only_gone: bool = False
    ) -> None:
        self._call = call
        self._kernel = _Kernel.of(loop)
        self._watch = self._kernel.add(folder, self, _GONE if only_gone else _MASK)
        self.blind = self._watch is None

    def seen(self, name: bytes) -> None:
        """Take note of a change."""
        self._call(os.fsdecode(name))

    def lost(self) -> None:
        """Take note that the folder was removed."""
        self._watch = None
        self._call("")

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._kernel.drop(self._watch, self)
            self._watch = None


class Stir:
    """Calls back once when a file of a silent folder is written: what goes on costs no wake-ups.

    It has a descriptor of its own: the kernel knows one watch for a folder and descriptor.

    Args:
        loop: the loop that waits.
        folder: an existing folder.
        call: called once after each :meth:`arm`.
    """

    def __init__(self, loop: Loop, folder: str, call: Callable[[], None]) -> None:
        self._folder = folder
        self._call = call
        self._fd = open_inotify([])
        self._watch: int | None = None
        if self._fd is not None:
            loop.watch(self._fd, self._read)
            loop.shared[Stir] = self

    def arm(self) -> bool:
        """Wait for the next write; tells whether that can be, else somebody has to look."""
        try:
            if self._fd is not None:
                self._watch = _add(self._fd, self._folder, _FIRST_WRITE)
        except FileNotFoundError:
            self._watch = None
        return self._watch is not None

    def let_go(self) -> None:
        """See :func:`let_go`."""
        if self._fd is not None and self._watch is not None:
            libc().inotify_rm_watch(self._fd, self._watch)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._fd or 0, _CHUNK)
            # the kernel also says that the watch is gone
            if any(not mask for _, mask, _ in _events(data)):
                self._call()


def let_go(loop: Loop) -> None:
    """Take all watches of a loop back, before its process ends.

    With watches left the kernel takes 10 to 20 ms to end it, and whoever waits for the end waits.

    Args:
        loop: the loop; it may not turn again.
    """
    for one in (loop.shared.get(Stir), loop.shared.get(_Kernel)):
        if isinstance(one, Stir | _Kernel):
            one.let_go()


class _Kernel:
    """The one inotify descriptor of a loop, and who waits for which folder."""

    def __init__(self, loop: Loop) -> None:
        self._watched: dict[int, list[Changes | Names]] = {}
        self._fd = open_inotify([])
        if self._fd is not None:
            loop.watch(self._fd, self._read)

    @classmethod
    def of(cls, loop: Loop) -> _Kernel:
        found = loop.shared.get(cls)
        if not isinstance(found, cls):
            found = loop.shared[cls] = cls(loop)
        return found

    def add(self, folder: str, changes: Changes | Names, mask: int = _MASK) -> int | None:
        # the kernel answers with the same number for the same folder
        number = None if self._fd is None else _add(self._fd, folder, mask | _MORE)
        if number is not None:
            self._watched.setdefault(number, []).append(changes)
        return number

    def drop(self, number: int, changes: Changes | Names) -> None:
        waiting = self._watched.get(number, [])
        if changes in waiting:
            waiting.remove(changes)
        if not waiting and self._watched.pop(number, None) is not None and self._fd is not None:
            libc().inotify_rm_watch(self._fd, number)

    def let_go(self) -> None:
        for number in self._watched if self._fd is not None else ():
            libc().inotify_rm_watch(self._fd, number)

    def _read(self) -> None:
        if self._fd is None:
            return
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        for number, mask, name in sorted(set(_events(data))):
            self._tell(number, mask, name)

    def _tell(self, number: int, mask: int, name: bytes) -> None:
        if mask & _OVERFLOW:
            everybody = [one for waiting in self._watched.values() for one in waiting]
        else:
            everybody = list(self._watched.get(number, ()))
        gone = self._watched.pop(number, []) if mask & _IGNORED else []
        for one in gone:
            one.lost()
        for one in everybody:
            one.seen(name)


def _events(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at < len(data):
        number, mask, _, length = _EVENT.unpack_from(data, at)
        at += _EVENT.size + length
        # what happened to an entry matters to nobody, only that something did
        yield number, mask & (_OVERFLOW | _IGNORED), data[at - length : at].rstrip(b"\0")
