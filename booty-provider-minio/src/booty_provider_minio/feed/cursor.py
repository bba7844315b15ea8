"""What has been told of each object, on disk: the durable cursor of a feed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from booty_provider_minio.feed.seen import Seen, moment, of_change

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from booty_provider_minio.feed.changes import Change

__all__ = ["Cursor"]

_KNOWN: Final = (
    "SELECT bucket, key, version, etag, sequencer, gone, listed FROM seen"
    " WHERE bucket=? AND key=? AND version=?"
)
_ALL: Final = (
    "SELECT bucket, key, version, etag, sequencer, gone, listed FROM seen WHERE bucket=? AND key=?"
)
_IS_MISSED: Final = (
    "SELECT COUNT(*) FROM seen WHERE bucket=? AND key=? AND version=? AND sequencer=? AND pass<?"
)
_GRAVE: Final = "SELECT sequencer, listed FROM graves WHERE bucket=? AND key=? AND version=?"


class Cursor:
    """Knows objects as they were told last; written when the event of one is stored.

    Args:
        database: of the feed.
        window: seconds for which what is gone is remembered.
        clock: seconds since the epoch.
    """

    def __init__(
        self, database: sqlite3.Connection, window: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._db = database
        self._window = window
        self._clock = clock
        (last,) = self._db.execute("SELECT COALESCE(MAX(pass), 0) FROM seen").fetchone()
        self.number = int(last)
        self._graves = self._has_graves()

    def begin(self) -> int:
        """Begin a pass over the buckets; return its number, which what is told meanwhile gets."""
        self.number += 1
        self._db.execute("DELETE FROM graves WHERE at<?", (self._clock() - self._window,))
        self._graves = self._has_graves()
        return self.number

    def buckets(self) -> list[str]:
        """Return the buckets of which something is known."""
        return [name for (name,) in self._db.execute("SELECT DISTINCT bucket FROM seen")]

    def known(self, one: Seen) -> Seen | None:
        """Return what was told of this object last; ``None`` if nothing was."""
        row = self._db.execute(_KNOWN, one.place).fetchone()
        return _seen(row) if row else None

    def is_news(self, one: Seen) -> bool:
        """Tell whether an object that is there was not told as it is, nor told to be gone since."""
        known = self.known(one)
        if known is not None:
            return known.is_older(one)
        return not self._is_buried(one)

    def _is_buried(self, one: Seen) -> bool:
        """Tell whether the server said that this went after it was so."""
        grave = self._grave(one.place)
        return grave is not None and not grave[1] and moment(grave[0]) >= moment(one.sequencer)

    def met(self, found: Iterable[Seen]) -> None:
        """Write that a pass has met these."""
        rows = [(self.number, *one.place) for one in found]
        sql = "UPDATE seen SET pass=? WHERE bucket=? AND key=? AND version=?"
        self._db.executemany(sql, rows)

    def is_missed(self, one: Seen) -> bool:
        """Tell whether something is still as it was when a pass did not meet it."""
        row = (*one.place, one.sequencer, self.number)
        return bool(self._db.execute(_IS_MISSED, row).fetchone()[0])

    def told(self, one: Seen) -> None:
        """Write that an object was told as it is, unless a later state of it was."""
        row = (*one.place, one.etag, one.sequencer, one.gone, self.number, one.listed)
        self._db.execute(
            "INSERT INTO seen (bucket, key, version, etag, sequencer, gone, pass, listed)"
            " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET etag=excluded.etag,"
            " sequencer=excluded.sequencer, gone=excluded.gone, pass=excluded.pass,"
            " listed=excluded.listed WHERE excluded.listed OR excluded.sequencer >= sequencer",
            row,
        )
        if self._graves:
            sql = "DELETE FROM graves WHERE bucket=? AND key=? AND version=?"
            self._db.execute(sql, one.place)

    def told_gone(self, one: Seen, sequencer: str = "") -> None:
        """Write that it was told that this is gone.

        Args:
            one: what was there.
            sequencer: of its removal; empty = nobody knows, a listing has shown it.
        """
        listed = not sequencer
        row = (*one.place, sequencer or one.sequencer, listed, self._clock())
        self._db.execute("INSERT OR REPLACE INTO graves VALUES (?,?,?,?,?,?)", row)
        self._graves = True
        sql = "DELETE FROM seen WHERE bucket=? AND key=? AND version=?"
        self._db.execute(sql, one.place)

    def heard(self, changes: Iterable[Change]) -> None:
        """Write that these, which the server told, have been told."""
        for change in changes:
            one = of_change(change)
            if change.kind == "created" or one.gone:
                if not self._is_buried(one):
                    self.told(one)
            elif change.action == "delete":
                self._went(one)
            elif change.action == "gone":
                self.told_gone(one)
            elif change.action == "delete-all-versions":
                for row in self._db.execute(_ALL, (one.bucket, one.key)).fetchall():
                    self.told_gone(_seen(row), one.sequencer)

    def _went(self, one: Seen) -> None:
        known = self.known(one)
        if known is None or known.sequencer <= one.sequencer:
            self.told_gone(one, one.sequencer)

    def has_told(self, change: Change) -> bool:
        """Tell whether what the server tells was told already: by it, or by a listing."""
        one = of_change(change)
        grave = self._grave(one.place)
        if change.kind == "created" or one.gone:
            known = self.known(one)
            if known is None:  # a listing has shown it, and that it went
                return grave is not None and grave[1] and moment(one.sequencer) <= moment(grave[0])
            return _same(known, one)
        if change.action == "delete":
            return grave is not None and _same_end(*grave, one.sequencer)
        return False

    def _has_graves(self) -> bool:
        # where nothing is ever removed, each event would be looked for in an empty table
        return self._db.execute("SELECT 1 FROM graves LIMIT 1").fetchone() is not None

    def _grave(self, place: tuple[str, str, str]) -> tuple[str, bool] | None:
        row = self._db.execute(_GRAVE, place).fetchone() if self._graves else None
        return (row[0], bool(row[1])) if row else None


def _same(known: Seen, one: Seen) -> bool:
    if known.listed:
        return moment(known.sequencer) == moment(one.sequencer)
    return known.sequencer == one.sequencer


def _same_end(grave: str, listed: bool, sequencer: str) -> bool:
    return moment(grave) <= moment(sequencer) if listed else grave == sequencer


def _seen(row: tuple[str, str, str, str, str, int, int]) -> Seen:
    bucket, key, version, etag, sequencer, gone, listed = row
    return Seen(
        bucket=bucket, key=key, version=version,
        etag=etag, sequencer=sequencer, gone=bool(gone), listed=bool(listed),
    )  # fmt: skip
