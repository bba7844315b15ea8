"""One connection to a ``file://`` topic: an SQLite database, a lock, and the bells of who waits.

Every call is one transaction under a lock of the kernel, so that processes take turns without
looking whether it is their turn, and a killed one leaves nothing behind. Blocking: for a thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeVar

from booty.clients.errors import FailedPreconditionError, NotFoundError
from booty.clients.pubsub.bell import pulled
from booty.clients.pubsub.schema import FORMAT, HELD, TABLES
from booty.run.identity import boot_id

__all__ = ["Store", "Sync"]

_T = TypeVar("_T")
Sync = Literal["full", "normal"]
FILE: Final = "topic.db"
LOCK: Final = "lock"
BELLS: Final = "waiting"
RESERVE: Final = 4 << 20
"""Bytes kept aside: more than the log of SQLite grows to between two of its checkpoints."""
CHECKPOINT_PAGES: Final = 500
_REMEMBER: Final = 120.0
"""Seconds that ids are remembered after a boot."""
_BUSY_SECONDS: Final = 5.0
"""For somebody outside, such as SQLite's own tool; we ourselves queue at the lock."""


class Store:
    """A topic's folder, opened when it is first used.

    Args:
        folder: absolute path.
        create: make what is missing.
        sync: ``full``: what is stored outlives a loss of power; ``normal``: only a killed process.
    """

    def __init__(self, folder: str, *, create: bool, sync: Sync) -> None:
        self.bells = f"{folder}/{BELLS}"
        self._folder = folder
        self._file = f"{folder}/{FILE}"
        self._lock_file = f"{folder}/{LOCK}"
        self._reserve = f"{folder}/reserve"
        self._create = create
        self._sync = sync
        self._lock: int | None = None
        self._open: sqlite3.Connection | None = None
        self._inode: int | None = None
        self.generation = 0
        """How often it was opened: a folder may be removed and come again."""

    @contextlib.contextmanager
    def turn(self, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """Have the topic alone for one transaction; undone if the block raises.

        Args:
            lasting: it must outlive a loss of power, where that was asked for.

        Raises:
            NotFoundError: there is no such topic.
            sqlite3.Error, OSError: it cannot be used.
        """
        with (
            self._locked(),
            self._synced(self._connected(), "normal" if not lasting else self._sync) as opened,
            _transaction(opened) as connection,
        ):
            yield connection

    @contextlib.contextmanager
    def _synced(self, connection: sqlite3.Connection, sync: Sync) -> Iterator[sqlite3.Connection]:
        if sync == self._sync:
            yield connection
            return
        connection.execute(f"PRAGMA synchronous = {sync}")
        try:
            yield connection
        finally:
            connection.execute(f"PRAGMA synchronous = {self._sync}")

    @contextlib.contextmanager
    def ringing(self) -> Iterator[sqlite3.Connection]:
        """As :meth:`turn`, and wake everybody at the end."""
        with self._locked():
            opened = self._connected()
            with pulled(self.bells), _transaction(opened) as connection:
                yield connection

    def used(self, connection: sqlite3.Connection) -> int:
        """Return the bytes in use, without what the file holds free."""
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def save_up(self) -> None:
        """Keep some room aside, so that a full disk can still be emptied by who receives.

        Raises:
            OSError: there is none; then nothing more must be stored.
        """
        if _inode(self._reserve) is None:
            fd = os.open(self._reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _allocate(fd)
            except OSError:
                os.unlink(self._reserve)
                raise
            finally:
                os.close(fd)

    def thrifty(self, action: Callable[[], _T]) -> _T:
        """Do something that makes room in the end; on a full disk with what was kept aside."""
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._reserve)
            return action()

    def close(self) -> None:
        """Let go."""
        if self._open is not None:
            self._open.close()
            self._open = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._acquire()
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)

    def _acquire(self) -> int:
        # somebody may have removed the folder: what is written to a removed file is lost, and two
        # who hold different files hold no lock
        while True:
            if self._lock is None:
                self._lock = self._open_lock()
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if os.fstat(self._lock).st_ino == _inode(self._lock_file):
                return self._lock
            self.close()

    def _open_lock(self) -> int:
        if self._create:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if self._create else 0)
        try:
            return os.open(self._lock_file, flags, 0o600)
        except FileNotFoundError as error:
            raise _missing() from error

    def _connected(self) -> sqlite3.Connection:
        inode = _inode(self._file)
        if inode is None and not self._create:
            raise _missing()
        if self._open is None or inode != self._inode:
            self._open = self._connect()
        return self._open

    def _connect(self) -> sqlite3.Connection:
        if self._open is not None:
            self._open.close()
            self._open = None
        os.close(os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            self._file, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._sync}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._inode = _inode(self._file)
        self.generation += 1
        return connection


def _allocate(fd: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, RESERVE)
    else:  # macOS
        os.write(fd, bytes(RESERVE))


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it already
            connection.execute("ROLLBACK")
        raise


def _missing() -> NotFoundError:
    return NotFoundError("there is no such topic", hint="open it with create=true")


def _prepare(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise FailedPreconditionError(
            f"it was written by a newer version (format {found})", hint="upgrade booty-core"
        )
    if found == 0:
        connection.executescript(f"BEGIN;{TABLES}COMMIT;")
    _after_boot(connection)


def _after_boot(connection: sqlite3.Connection) -> None:
    boot, (known,) = boot_id(), connection.execute("SELECT id FROM boot").fetchone()
    if boot == known:
        return
    # whoever had messages is gone, and the times in here mean nothing any more
    with _transaction(connection):
        connection.execute("UPDATE delivery SET due = 0 WHERE due < ?", (HELD,))
        connection.execute("UPDATE seen SET until = ?", (time.monotonic() + _REMEMBER,))
        connection.execute("UPDATE boot SET id = ?", (boot,))
