"""The one who tells: what the server says, and what a listing shows, each thing once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from booty_provider_minio.feed.choice import EVERYTHING
from booty_provider_minio.feed.cursor import Cursor
from booty_provider_minio.feed.disk import written
from booty_provider_minio.feed.doubts import Doubts
from booty_provider_minio.feed.orders import Orders

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterable, Iterable

    from booty_provider_minio.feed.bus import Bus
    from booty_provider_minio.feed.changes import Change
    from booty_provider_minio.feed.choice import Choices
    from booty_provider_minio.feed.doubts import Doubt

__all__ = ["Teller"]

CHUNK: Final = 256


class Teller:
    """Tells one thing after the other, and remembers it when it is stored.

    Args:
        bus: where it is told.
        database: of the feed.
        window: seconds in which a change that is told twice is stored once.
        choices: of which keys of which buckets changes are told.
        lists: whether somebody lists, who must know what was told.
    """

    def __init__(
        self,
        bus: Bus,
        database: sqlite3.Connection,
        window: float,
        choices: Choices = EVERYTHING,
        *,
        lists: bool,
    ) -> None:
        self.choices = choices
        self.cursor = Cursor(database, window)
        self.doubts = Doubts(database)
        self._bus = bus
        self._db = database
        self._orders = Orders(database, window)
        self._lists = lists
        self._one = asyncio.Lock()

    async def heard(self, changes: Iterable[Change]) -> None:
        """Tell what the server told; what a listing has told already is left out."""
        async with self._one:
            told = self._orders.sorted(one for one in changes if self._is_new(one))
            await self._bus.tell(told)
            with written(self._db):
                self._orders.told(told)
                if self._lists:
                    self.cursor.heard(told)

    async def remember(self, changes: AsyncIterable[Change]) -> int:
        """Write that these have been told, by somebody who has forgotten it; return their count.

        All of them or none: what ends them early ends this.
        """
        count = 0
        async with self._one:
            with written(self._db):
                async for change in changes:
                    self._orders.told([change])
                    self.cursor.heard([change])
                    count += 1
        return count

    def _is_new(self, change: Change) -> bool:
        known = self._lists and self.cursor.has_told(change)
        return self.choices.takes(change.bucket, change.key) and not known

    async def recover(self) -> None:
        """Tell again what a killed process was about to tell: it may have been stored, or not."""
        self.doubts.clear()
        while doubts := self.doubts.next(CHUNK, telling=True):
            await self._tell(doubts)

    async def settle(self) -> int:
        """Tell what a pass has found, where it is still so; return how much that was."""
        count = 0
        while True:
            async with self._one:
                doubts = self.doubts.next(CHUNK)
                if not doubts:
                    return count
                count += await self._settle(doubts)

    async def _settle(self, doubts: list[Doubt]) -> int:
        still = [one for one in doubts if self._is_so(one)]
        with written(self._db):
            self.doubts.settle(set(doubts) - set(still))
            self.doubts.telling(still)
        return await self._tell(still)

    def _is_so(self, doubt: Doubt) -> bool:
        check = self.cursor.is_missed if doubt.missing else self.cursor.is_news
        return check(doubt.one)

    async def _tell(self, doubts: list[Doubt]) -> int:
        told = self._orders.sorted(one.change() for one in doubts if self._is_told(one))
        await self._bus.tell(told)
        with written(self._db):
            self._orders.told(told)
            for doubt in doubts:
                learn = self.cursor.told_gone if doubt.missing else self.cursor.told
                learn(doubt.one)
            self.doubts.settle(doubts)
        return len(told)

    def _is_told(self, doubt: Doubt) -> bool:
        # what is not chosen any more is forgotten; that a delete marker is gone is no change of
        # what can be read
        chosen = self.choices.takes(doubt.one.bucket, doubt.one.key)
        return chosen and not (doubt.missing and doubt.one.gone)
