"""A lock on a data folder: two programs never run on one, whoever watches them.

The lock belongs to an open file that the program and its descendants inherit, so that it is held
as long as one of them lives, also while nobody watches. Whoever watches holds it too: a program may
close what it was given.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Collection, Iterator
from typing import Any, Final

from booty.run import identity, locks

__all__ = ["CHILD_FD", "NAME", "Claim", "HeldError", "holders", "inherited", "owner_of"]

NAME: Final = ".booty-lock"
CHILD_FD: Final = 99
"""Number of the lock's descriptor in the program; far above what is handed to it on purpose."""


class HeldError(Exception):
    """Somebody else runs on the folder.

    Attributes:
        pids: processes that hold it; empty where they cannot be seen.
        owner: what the lock says of whoever took it: ``root``, ``instance``.
    """

    def __init__(self, pids: list[int], owner: dict[str, Any]) -> None:
        super().__init__("held")
        self.pids = pids
        self.owner = owner


class Claim:
    """A data folder that is ours.

    Until :meth:`settle` the folder itself is locked and nothing is written into it: what prepares a
    folder may want it empty. Afterwards it is a file, since programs lock their folders too.

    Args:
        folder: the data folder; followed through links, so that two names of it are one.

    Raises:
        HeldError: somebody else runs on it.
        OSError: it cannot be opened.
    """

    def __init__(self, folder: str) -> None:
        self._path = f"{folder}/{NAME}"
        self._folder: int | None = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.fd: int | None = None
        try:
            self._lock_folder(folder)
            if os.path.exists(self._path):
                self._lock()
        except BaseException:
            self.close()
            raise

    @classmethod
    def of_running(cls, folder: str) -> Claim | None:
        """Return the claim on a folder on which a program of ours runs that let go of its lock.

        Returns:
            ``None`` if the program holds the lock itself, or there is none.
        """
        with contextlib.suppress(OSError):
            if os.path.exists(path := f"{folder}/{NAME}") and (fd := locks.take(path)) is not None:
                return _Kept(path, fd)
        return None

    @property
    def shared(self) -> int:
        """The descriptor that whoever works on the folder shall inherit."""
        found = self._folder if self.fd is None else self.fd
        assert found is not None  # noqa: S101 - it is not closed
        return found

    def _held(self, path: str) -> HeldError:
        return HeldError(holders(path), owner_of(self._path))

    def _lock_folder(self, folder: str) -> None:
        if self._folder is not None and not _take(self._folder):
            raise self._held(folder)

    def _lock(self) -> None:
        self.fd = locks.take(self._path)
        if self.fd is None:
            raise self._held(self._path)

    def settle(self, owner: dict[str, Any]) -> int:
        """Hold the folder by its file from now on.

        Args:
            owner: what others are told of us.

        Returns:
            The descriptor that the program shall inherit.

        Raises:
            OSError: the file cannot be written.
            HeldError: somebody was faster.
        """
        if self.fd is None:
            self._lock()
        assert self.fd is not None  # noqa: S101 - _lock has set it
        text = json.dumps(owner).encode() + b"\n"
        if os.pread(self.fd, len(text) + 1, 0) != text:
            os.ftruncate(self.fd, 0)
            os.pwrite(self.fd, text, 0)
        self._close_folder()
        return self.fd

    def _close_folder(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def close(self) -> None:
        """Hold it no longer; a program that inherited it still does."""
        self._close_folder()
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class _Kept(Claim):
    """A claim by a lock that was let go of."""

    def __init__(self, path: str, fd: int) -> None:
        self._path, self._folder, self.fd = path, None, fd


def _take(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def owner_of(path: str) -> dict[str, Any]:
    """Return what a lock says of whoever took it last; empty if it says nothing."""
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:
        found = json.loads(file.read())
        if isinstance(found, dict):
            return found
    return {}


def holders(path: str) -> list[int]:
    """Return processes that hold the lock of a file or folder, by an open file each."""
    if sys.platform == "darwin":
        return list(identity.darwin().holders(path))
    with contextlib.suppress(OSError):
        wanted = os.stat(path)
        return sorted({pid for pid, fd in _open_on(wanted) if _locks(pid, fd)} - {os.getpid()})
    return []


def inherited(paths: Collection[str]) -> dict[int, str]:
    """Return processes that hold one of several locks by the descriptor that programs are given.

    So they are programs that were started on these folders, or come from one, whatever else they
    have let go of. Nothing is found where there is no ``/proc``.

    Args:
        paths: of files of locks; followed through links.

    Returns:
        Which of the paths, by process number.
    """
    real = {os.path.realpath(path): path for path in paths}
    found = {}
    for pid in identity.pids():
        with contextlib.suppress(OSError):
            path = real.get(os.readlink(f"/proc/{pid}/fd/{CHILD_FD}"))
            if path is not None and pid != os.getpid() and _locks(str(pid), str(CHILD_FD)):
                found[pid] = path
    return found


def _open_on(wanted: os.stat_result) -> Iterator[tuple[int, str]]:
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    found = os.stat(f"/proc/{pid}/fd/{fd}")
                    if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                        yield int(pid), fd


def _locks(pid: int | str, fd: str) -> bool:
    # one that only has it open, as a backup has, does not hold it
    with contextlib.suppress(OSError), open(f"/proc/{pid}/fdinfo/{fd}", "rb") as file:
        return b"FLOCK" in file.read()
    return False
