"""What a feed remembers, on disk: one small database in its data folder."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["opened", "padded", "written"]

FORMAT: Final = 1
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
    gone INTEGER, size INTEGER, missing INTEGER, telling INTEGER DEFAULT 0,
    PRIMARY KEY (bucket, key, version)) WITHOUT ROWID;
-- the last change of each key; a row that is written anew gets the highest rowid
CREATE TABLE IF NOT EXISTS last (bucket TEXT, key TEXT, sequencer TEXT, at REAL,
    UNIQUE (bucket, key));
"""


@contextmanager
def opened(path: str) -> Iterator[sqlite3.Connection]:
    """Open the database, made if it is not there.

    A write is in the kernel when it returns, so a killed process loses none; a machine that loses
    its power may lose the last ones, which are then told again with the same ids.
    """
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        _grown(database)
        database.executescript(_TABLES)
        yield database
    finally:
        database.close()


def _grown(database: sqlite3.Connection) -> None:
    """Give the table of the first format its new column."""
    (known,) = database.execute("PRAGMA user_version").fetchone()
    (there,) = database.execute("SELECT COUNT(*) FROM sqlite_master WHERE name='seen'").fetchone()
    if there and known < FORMAT:
        database.execute("ALTER TABLE seen ADD COLUMN listed INTEGER DEFAULT 1")
    database.execute(f"PRAGMA user_version = {FORMAT}")


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
