"""The folder of a bucket: objects in, objects out, each whole, for several processes at once.

Everything here blocks and is run in a thread. Who changes something holds the folder's lock, which
the kernel gives back when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from booty.clients.errors import FailedPreconditionError, NotFoundError
from booty.clients.file import sidecar
from booty.clients.file.names import ATTRIBUTES, TEMPORARY, folder_of, path_of, text_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from booty.clients.bucket.listing import Walk
    from booty.clients.bucket.nouns import Attributes

__all__ = ["Folder", "Opened"]


class Opened:
    """An object's file, open for reading, with what belongs to it.

    Args:
        descriptor: of the file; closed by :meth:`close`.
        found: what the system says about it.
        record: its attributes as they were written down, if they were.
    """

    def __init__(
        self, descriptor: int, found: os.stat_result, record: sidecar.Record | None
    ) -> None:
        self.descriptor = descriptor
        self.found = found
        self.record = record

    @property
    def attributes(self) -> Attributes:
        """What is known about the object."""
        return sidecar.attributes_of(self.descriptor, self.found, self.record)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Folder:
    """A folder with objects in it.

    Args:
        root: its path, links resolved; need not exist.
        durable: whether what was written is on the disk before a write ends.
    """

    def __init__(self, root: str, *, durable: bool) -> None:
        self.root = root
        self.durable = durable
        self._threads = threading.Lock()

    def path(self, key: str) -> str:
        """Return the path of an object's file.

        Raises:
            NotFoundError: somebody put a link into the folder, and the key leads through it.
        """
        path = f"{self.root}/{path_of(key)}"
        folder = os.path.dirname(path)
        if folder != self.root and os.path.realpath(folder) != folder:
            raise NotFoundError("a link is in the way", reference="object-behind-link")
        return path

    def open(self, key: str) -> Opened:
        """Open an object for reading.

        Raises:
            NotFoundError: there is none.
        """
        path = self.path(key)
        while True:
            descriptor = _opened(path)
            found = os.fstat(descriptor)
            record = sidecar.record_for(_records(path), found)
            if record is not None or _is(path, found):
                return Opened(descriptor, found, record)
            os.close(descriptor)  # replaced twice between our two looks

    def look(self, key: str) -> os.stat_result | None:
        """Return what the system says about an object; ``None`` if there is none."""
        return _looked(self.path(key))

    def temporary(self) -> tuple[int, str]:
        """Make a file to write to; whoever finds it unlocked may remove it.

        Raises:
            NotFoundError: there is no such folder.
        """
        while True:
            path = f"{self.root}/{TEMPORARY}{secrets.token_hex(8)}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else somebody swept it before we had the lock
                return descriptor, path
            os.close(descriptor)

    def sweep(self) -> None:
        """Remove the files of writers that died."""
        with suppress(OSError), os.scandir(self.root) as entries:
            for entry in entries:
                if entry.name.startswith(TEMPORARY):
                    with suppress(OSError):
                        _swept(entry.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock, against threads and other processes."""
        with self._threads:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    def place(self, temporary: str, key: str, record: sidecar.Record | None) -> None:
        """Rename a finished file into place, with its attributes; the lock is held.

        Raises:
            FailedPreconditionError: a part of the key is an object, or the key is a folder.
        """
        path = self.path(key)
        self._make_folders(os.path.dirname(path))
        known = _looked(path)
        if record is not None:
            old = None if known is None else sidecar.record_for(_records(path), known)
            self._write_records(path, [record, old] if old else [record])
        self._rename(temporary, path)
        if record is None:
            _unlink(path + ATTRIBUTES)
        self.sync(os.path.dirname(path))

    def remove(self, key: str) -> None:
        """Remove an object and the folders that are empty then; the lock is held."""
        path = self.path(key)
        os.unlink(path)
        _unlink(path + ATTRIBUTES)
        folder = os.path.dirname(path)
        with suppress(OSError):  # the first that is not empty ends it
            while folder != self.root:
                os.rmdir(folder)
                folder = os.path.dirname(folder)
        self.sync(folder)

    def sync(self, folder: str) -> None:
        """Put a folder's names on the disk."""
        if self.durable:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def walk(self, prefix: str) -> Walk:
        """Return the keys of the folder that has all keys of a prefix."""
        folder, text = folder_of(prefix), prefix[: prefix.rfind("/") + 1]
        return lambda start: _walked(f"{self.root}/{folder}".rstrip("/"), text.encode(), start)

    def _make_folders(self, folder: str) -> None:
        missing = []
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for one in reversed(missing):
            try:
                os.mkdir(one)
            except (FileExistsError, NotADirectoryError) as error:
                told = "a part of it is an object"
                raise FailedPreconditionError(told, reference="object-in-the-way") from error
            self.sync(os.path.dirname(one))

    def _write_records(self, path: str, versions: list[sidecar.Record]) -> None:
        descriptor, temporary = self.temporary()
        try:
            with open(descriptor, "wb") as file:
                file.write(sidecar.dumped(versions))
                file.flush()
                if self.durable:
                    os.fsync(descriptor)
            os.rename(temporary, path + ATTRIBUTES)
        except BaseException:
            _unlink(temporary)
            raise

    def _rename(self, temporary: str, path: str) -> None:
        try:
            os.rename(temporary, path)
        except OSError as error:
            if not os.path.isdir(path):
                raise
            _prune(path)
            if os.path.isdir(path):
                _unlink(path + ATTRIBUTES)
                told = "there are objects below it"
                raise FailedPreconditionError(told, reference="object-in-the-way") from error
            os.rename(temporary, path)


def _opened(path: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _absent(error) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotFoundError("there is no such object")


def _absent(error: OSError) -> Exception:
    # ELOOP: a link, which is none of ours; ENXIO: a socket
    from errno import ELOOP, ENOENT, ENOTDIR, ENXIO

    if error.errno in (ENOENT, ENOTDIR, ELOOP, ENXIO):
        return NotFoundError("there is no such object", native=error)
    return error


def _looked(path: str) -> os.stat_result | None:
    try:
        found = os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _is(path: str, found: os.stat_result) -> bool:
    known = _looked(path)
    return known is not None and (known.st_dev, known.st_ino) == (found.st_dev, found.st_ino)


def _records(path: str) -> list[sidecar.Record]:
    try:
        with open(path + ATTRIBUTES, "rb") as file:
            return sidecar.records(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def _swept(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if its writer lives
        os.unlink(path)
    finally:
        os.close(descriptor)


def _prune(path: str) -> None:
    # folders that a crash left empty must not be in an object's way
    for folder, _, _ in os.walk(path, topdown=False):
        with suppress(OSError):
            os.rmdir(folder)


def _walked(root: str, text: bytes, start: bytes) -> Generator[bytes, bytes | None, None]:
    # a heap of files and folders by the least key that they can have: folders are opened in turn,
    # and those whose keys all come before the place are not opened at all
    heap: list[tuple[bytes, bool, str]] = [(text, True, root)]
    while heap:
        lowest, folder, path = heappop(heap)
        if folder and lowest + b"\xff" > start:
            for entry in _entries(path, lowest):
                heappush(heap, entry)
        elif not folder and lowest >= start:
            start = (yield lowest) or start


def _entries(path: str, text: bytes) -> Iterator[tuple[bytes, bool, str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:
        for entry in entries:
            folder = entry.is_dir(follow_symlinks=False)
            more = text_of(entry.name, folder=folder)
            if more is not None and (folder or entry.is_file(follow_symlinks=False)):
                yield text + more.encode(), folder, entry.path
