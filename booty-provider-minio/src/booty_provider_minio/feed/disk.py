"""What a feed remembers, on disk: one small database in its data folder."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_corrupt", "is_empty", "opened", "padded", "written"]

FORMAT: Final = 2
_TABLES: Final = """
-- objects and versions as they were told last
CREATE TABLE IF NOT EXISTS seen (bucket TEXT, key TEXT, version TEXT, etag TEXT, sequencer TEXT,
    gone INTEGER, pass INTEGER, listed INTEGER DEFAULT 1,
    PRIMARY KEY (bucket, key, version)) WITHOUT ROWID;
-- what was told to be gone
CREATE TABLE IF NOT EXISTS graves (bucket TEXT, key TEXT, version TEXT, sequencer TEXT,
    listed INTEGER, at REAL, PRIMARY KEY (bucket, key, version)) WITHOUT ROWID;
-- what a pass has found, until it is settled
CREATE TABLE IF NOT EXISTS doubts (bucket TEXT, key TEXT, version TEXT, etag TEXT, sequencer TEXT,
    gone INTEGER, size INTEGER, missing INTEGER, telling INTEGER DEFAULT 0, noticed REAL DEFAULT 0,
    PRIMARY KEY (bucket, key, version)) WITHOUT ROWID;
-- the last change of each key; a row that is written anew gets the highest rowid
CREATE TABLE IF NOT EXISTS last (bucket TEXT, key TEXT, sequencer TEXT, at REAL,
    UNIQUE (bucket, key));
"""
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PRIMARY: Final = 0xFF
"""The bits of an extended code of SQLite that say which it is of."""
_COLUMNS: Final = {
    1: ("seen", "listed INTEGER DEFAULT 1"),
    2: ("doubts", "noticed REAL DEFAULT 0"),
}
"""The column that each format has brought, and its table."""


class Damaged(sqlite3.DatabaseError):
    """A database is not what it should be."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


@contextmanager
def opened(path: str) -> Iterator[sqlite3.Connection]:
    """Open the database, made if it is not there, or cannot be read.

    A write is in the kernel when it returns, so a killed process loses none; a machine that loses
    its power may lose the last ones, which are then told again with the same ids.

    One that cannot be read is kept beside, now if it shows at once, else when it shows: the block
    ends with the error, and the next process begins with an empty one.

    Raises:
        sqlite3.Error: it cannot be used for another reason: the disk is full, say.
    """
    try:
        database = _begun(path)
    except sqlite3.DatabaseError as error:
        if not is_corrupt(error):
            raise
        _keep_beside(path, error)
        database = _begun(path)
    try:
        yield database
    except BaseException as error:
        database.close()
        if is_corrupt(error):
            _keep_beside(path, error)
        raise
    finally:
        database.close()


def _begun(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        _refuse_damage(database)
        _grown(database)
        database.executescript(_TABLES)
    except BaseException:  # closed whatever ended it, a cancel too; it is raised again
        database.close()
        raise
    return database


def _refuse_damage(database: sqlite3.Connection) -> None:
    # some damage is in pages that are read late; a start can still choose another beginning
    (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Damaged(said)


def is_corrupt(error: BaseException) -> bool:
    """Tell whether an error, or one of a group, says that a database is damaged, or is none."""
    if isinstance(error, BaseExceptionGroup):
        return any(is_corrupt(one) for one in error.exceptions)
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, sqlite3.DatabaseError) and code & _PRIMARY in _DAMAGED


def _keep_beside(path: str, error: BaseException) -> None:
    # one is enough: that of a disk that fails again and again would fill it
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{end}").replace(f"{path}.corrupt{end}")
    words = (
        f"feed: {path} is damaged, and kept as {path}.corrupt; what it held is read from the bus"
    )
    print(f"{words}: {error!r}", flush=True)  # noqa: T201 - log


def _grown(database: sqlite3.Connection) -> None:
    """Give tables of former formats their new columns."""
    (known,) = database.execute("PRAGMA user_version").fetchone()
    for number, (table, column) in _COLUMNS.items():
        sql = "SELECT COUNT(*) FROM sqlite_master WHERE name=?"
        if known < number and database.execute(sql, (table,)).fetchone()[0]:
            database.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    database.execute(f"PRAGMA user_version = {FORMAT}")


def is_empty(database: sqlite3.Connection) -> bool:
    """Tell whether nothing has ever been told by who has this database."""
    asked = "SELECT EXISTS (SELECT 1 FROM seen) OR EXISTS (SELECT 1 FROM graves)"
    asked += " OR EXISTS (SELECT 1 FROM doubts) OR EXISTS (SELECT 1 FROM last)"
    return not database.execute(asked).fetchone()[0]


@contextmanager
def written(database: sqlite3.Connection) -> Iterator[None]:
    """Write all of a block, or nothing of it."""
    database.execute("BEGIN")
    try:
        yield
    except BaseException:  # a cancellation, too, leaves no transaction open
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def padded(sequencer: str) -> str:
    """Return a sequencer so that text is ordered as numbers are."""
    return sequencer.upper().zfill(32)
