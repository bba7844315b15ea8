"""What has been told, on disk: the durable cursor of a feed."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Cursor", "Seen"]

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS seen (bucket TEXT, key TEXT, version TEXT, etag TEXT,"
    " sequencer TEXT, gone INTEGER, pass INTEGER, PRIMARY KEY (bucket, key, version))"
)


@frozen(kw_only=True)
class Seen:
    """One object, or version of it, as it was told last.

    Attributes:
        bucket, key, version: which.
        etag: what it held.
        sequencer: its time in nanoseconds, hexadecimal.
        gone: whether it is a delete marker.
    """

    bucket: str
    key: str
    version: str
    etag: str
    sequencer: str
    gone: bool = False


class Cursor:
    """A small database in the feed's data folder; an entry is written when its event is stored."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(_TABLE)

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def begin(self) -> int:
        """Return the number of a new pass."""
        (last,) = self._db.execute("SELECT COALESCE(MAX(pass), 0) FROM seen").fetchone()
        return int(last) + 1

    def known(self, one: Seen) -> Seen | None:
        """Return what was told of this object last; ``None`` if nothing was."""
        found = self._db.execute(
            "SELECT etag, sequencer, gone FROM seen WHERE bucket=? AND key=? AND version=?",
            (one.bucket, one.key, one.version),
        ).fetchone()
        if found is None:
            return None
        etag, sequencer, gone = found
        return Seen(
            bucket=one.bucket, key=one.key, version=one.version,
            etag=etag, sequencer=sequencer, gone=bool(gone),
        )  # fmt: skip

    def told(self, found: Iterable[Seen], number: int) -> None:
        """Write that these have been told, or are as they were told, in a pass."""
        rows = [
            (one.bucket, one.key, one.version, one.etag, one.sequencer, one.gone, number)
            for one in found
        ]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?,?,?,?,?,?,?)", rows)
        self._db.execute("COMMIT")

    def missed(self, bucket: str, number: int) -> Iterator[Seen]:
        """Yield what a whole pass over a bucket has not met: it is gone."""
        rows = self._db.execute(
            "SELECT key, version, etag, sequencer, gone FROM seen WHERE bucket=? AND pass<?",
            (bucket, number),
        ).fetchall()
        for key, version, etag, sequencer, gone in rows:
            yield Seen(
                bucket=bucket, key=key, version=version,
                etag=etag, sequencer=sequencer, gone=bool(gone),
            )  # fmt: skip

    def forget(self, one: Seen) -> None:
        """Write that it has been told that this is gone."""
        self._db.execute(
            "DELETE FROM seen WHERE bucket=? AND key=? AND version=?",
            (one.bucket, one.key, one.version),
        )
