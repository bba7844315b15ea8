"""The last change of each key that was told, so that one which comes after it is marked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from attrs import evolve

from booty_provider_minio.feed import ages
from booty_provider_minio.feed.disk import padded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from booty_provider_minio.feed.changes import Change

__all__ = ["Orders"]

REMEMBERED: Final = 1_000_000
"""Changes whose keys are remembered at most, the last ones."""
TIDIED: Final = 10_000
"""Changes after which what is too old is forgotten."""


class Orders:
    """Knows the last change of each key that was told within a window, over restarts too.

    Args:
        database: of the feed.
        window: seconds for which a key is remembered.
        clock: seconds since the epoch.
        remembered: changes whose keys are remembered at most.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        window: float,
        clock: Callable[[], float] = time.time,
        remembered: int = REMEMBERED,
    ) -> None:
        self._db = database
        self._window = window
        self._clock = clock
        self._remembered = remembered
        self._untidied = 0
        self._tidy()

    def sorted(self, changes: Iterable[Change]) -> list[Change]:
        """Return changes in the order of their sequencers; late ones are marked."""
        found, last = [], dict[tuple[str, str], str]()
        for change in sorted(changes, key=lambda one: (padded(one.sequencer), one.time)):
            key = (change.bucket, change.key)
            before = last[key] if key in last else self._last(*key)
            one = self._after(change, before)
            last[key] = max(padded(one.sequencer), before)
            found.append(one)
        return found

    def _after(self, change: Change, before: str) -> Change:
        """Return a change as it is told after one of this sequencer; empty = there was none."""
        if change.via == "listing" and before:
            change = self._found(change, before)
        return evolve(change, late=padded(change.sequencer) < before)

    def _found(self, change: Change, before: str) -> Change:
        newest = max(change.sequencer, _narrow(ages.after(before)), key=padded)
        if self._has_versions(change):
            # a version that was not told may be older than one that was
            return evolve(change, sequencer=newest) if change.former else change
        # a look shows the newest state, though whoever wrote it may choose its time
        former = change.former and max(change.former, _narrow(before), key=padded)
        return evolve(change, sequencer=newest, former=former)

    def _has_versions(self, change: Change) -> bool:
        sql = "SELECT 1 FROM seen WHERE bucket=? AND key=? AND version<>'' LIMIT 1"
        place = (change.bucket, change.key)
        return bool(change.version) or self._db.execute(sql, place).fetchone() is not None

    def _last(self, bucket: str, key: str) -> str:
        sql = "SELECT sequencer FROM last WHERE bucket=? AND key=? AND at>=?"
        row = self._db.execute(sql, (bucket, key, self._clock() - self._window)).fetchone()
        return str(row[0]) if row else ""

    def told(self, changes: Iterable[Change]) -> None:
        """Write that these have been told."""
        now, last = self._clock(), dict[tuple[str, str], str]()
        for change in changes:
            if not change.late:
                last[change.bucket, change.key] = padded(change.sequencer)
        rows = [(*key, sequencer, now) for key, sequencer in last.items()]
        self._db.executemany("INSERT OR REPLACE INTO last VALUES (?,?,?,?)", rows)
        self._untidied += len(rows)
        if self._untidied >= min(TIDIED, self._remembered):
            self._tidy()

    def _tidy(self) -> None:
        self._untidied = 0
        self._db.execute("DELETE FROM last WHERE at<?", (self._clock() - self._window,))
        few = "DELETE FROM last WHERE rowid <= (SELECT MAX(rowid) FROM last) - ?"
        self._db.execute(few, (self._remembered,))


def _narrow(sequencer: str) -> str:
    """Return a padded sequencer as it was."""
    return sequencer[16:] if sequencer.startswith("0" * 16) else sequencer
