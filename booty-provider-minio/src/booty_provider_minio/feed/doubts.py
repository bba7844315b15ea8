"""What a pass has found and nobody has told yet, on disk until it is settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty_provider_minio.feed.seen import Seen, appeared, vanished

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from booty_provider_minio.feed.changes import Change

__all__ = ["Doubt", "Doubts"]

_ADD: Final = (
    "INSERT OR REPLACE INTO doubts"
    " (bucket, key, version, etag, sequencer, gone, size, missing, noticed)"
    " VALUES (?,?,?,?,?,?,?,?,?)"
)
_ADD_MISSED: Final = (
    "INSERT OR REPLACE INTO doubts"
    " (bucket, key, version, etag, sequencer, gone, size, missing, noticed)"
    " SELECT bucket, key, version, etag, sequencer, gone, NULL, 1, ? FROM seen"
    " WHERE bucket=? AND pass<?"
)
_NEXT: Final = (
    "SELECT bucket, key, version, etag, sequencer, gone, size, missing, noticed FROM doubts"
    " WHERE telling=? ORDER BY bucket, key, length(sequencer), sequencer LIMIT ?"
)
_TELLING: Final = "UPDATE doubts SET telling=1 WHERE bucket=? AND key=? AND version=?"
_SETTLE: Final = "DELETE FROM doubts WHERE bucket=? AND key=? AND version=?"


@frozen
class Doubt:
    """Something that a pass has found otherwise than it was told.

    Attributes:
        one: what is there, or was told and is not there.
        missing: whether it is not there.
        noticed: when the look began that did not show it, seconds since the epoch.
    """

    one: Seen
    missing: bool = False
    noticed: float = 0.0

    def change(self) -> Change:
        """Return the change that must have been."""
        return vanished(self.one, self.noticed) if self.missing else appeared(self.one)


class Doubts:
    """Doubts in a table: there may be as many as there are objects.

    Args:
        database: of the feed.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add(self, doubts: Iterable[Doubt]) -> None:
        """Write doubts."""
        rows = [
            (*one.place, one.etag, one.sequencer, one.gone, one.size, doubt.missing, doubt.noticed)
            for doubt in doubts
            for one in (doubt.one,)
        ]
        self._db.executemany(_ADD, rows)

    def add_missed(self, bucket: str, number: int, began: float) -> None:
        """Write what a whole pass over a bucket has not met.

        Args:
            bucket: which.
            number: of the pass.
            began: when it began with the bucket, seconds since the epoch.
        """
        self._db.execute(_ADD_MISSED, (began, bucket, number))

    def next(self, count: int, *, telling: bool = False) -> list[Doubt]:
        """Return the next ones, those of one key in the order of their time.

        Args:
            count: how many at most.
            telling: those that a killed process was about to tell.
        """
        found = self._db.execute(_NEXT, (telling, count)).fetchall()
        return [_doubt(row) for row in found]

    def telling(self, doubts: Iterable[Doubt]) -> None:
        """Write that these are about to be told."""
        self._db.executemany(_TELLING, [doubt.one.place for doubt in doubts])

    def settle(self, doubts: Iterable[Doubt]) -> None:
        """Write that these are no doubts any more."""
        self._db.executemany(_SETTLE, [doubt.one.place for doubt in doubts])

    def clear(self) -> None:
        """Forget those that were not about to be told: a pass will find them again."""
        self._db.execute("DELETE FROM doubts WHERE telling=0")


def _doubt(row: tuple[str, str, str, str, str, int, int | None, int, float]) -> Doubt:
    bucket, key, version, etag, sequencer, gone, size, missing, noticed = row
    one = Seen(
        bucket=bucket, key=key, version=version,
        etag=etag, sequencer=sequencer, gone=bool(gone), size=size,
    )  # fmt: skip
    return Doubt(one, bool(missing), noticed)
