"""Changes that nobody told, found by listing buckets and comparing with what was told.

It sees what is there, not what was: an object that was written twice between two passes is told
once, one that came and went not at all. Where the bucket keeps versions, each of them is seen.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from booty_provider_minio.feed.disk import written
from booty_provider_minio.feed.doubts import Doubt
from booty_provider_minio.feed.seen import Seen, listed
from booty_provider_minio.session import BUCKET, Refused, ask
from booty_provider_minio.transfer import pages

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from booty_provider_minio.feed.choice import Choice
    from booty_provider_minio.feed.teller import Teller

__all__ = ["Passes", "buckets"]


async def buckets(client: Any) -> list[str]:
    """Return the buckets of a server, but booty's own.

    Raises:
        Refused: the server said no.
        Unreachable: it said nothing.
    """
    found = (await ask(client.list_buckets())).get("Buckets", [])
    return [one["Name"] for one in found if one["Name"] != BUCKET]


class Passes:
    """Goes over buckets.

    Args:
        teller: who tells, and knows what was told.
        database: of the feed.
        versions: whether the engine keeps former versions.
        quiet: waits until the server has no event any more that was there before.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        teller: Teller,
        database: sqlite3.Connection,
        quiet: Callable[[], Awaitable[None]],
        *,
        versions: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._teller = teller
        self._db = database
        self._quiet = quiet
        self._versions = versions
        self._clock = clock

    async def over(self, client: Any, names: Iterable[str], *, whole: bool) -> int:
        """Tell what has changed in buckets and was not told.

        Args:
            client: an S3 client that may see all of them.
            names: of the buckets.
            whole: whether there are no others.

        Returns:
            How many changes there were.

        Raises:
            Refused: the server said no.
            Unreachable: it said nothing; what was told is on disk.
        """
        self._teller.doubts.clear()
        self._teller.cursor.begin()
        found, began = list(names), self._clock()
        count = sum([await self._one(client, name) for name in found])
        removed = set(self._teller.cursor.buckets()) - set(found) if whole else set()
        return count + sum([await self._missing(name, began) for name in sorted(removed)])

    async def _one(self, client: Any, bucket: str) -> int:
        choice, began = self._teller.choices.of(bucket), self._clock()
        try:
            async for page in self._pages(client, bucket, choice):
                self._compare([one for one in page if choice and choice.takes(one.key)])
        except Refused as error:
            if not error.missing:  # else it was removed in this moment
                raise
        return await self._missing(bucket, began)

    def _compare(self, page: list[Seen]) -> None:
        cursor = self._teller.cursor
        with written(self._db):
            cursor.met(page)
            self._teller.doubts.add(Doubt(one) for one in page if cursor.is_news(one))

    async def _missing(self, bucket: str, began: float) -> int:
        self._teller.doubts.add_missed(bucket, self._teller.cursor.number, began)
        if not self._teller.doubts.next(1):
            return 0
        await self._quiet()
        return await self._teller.settle()

    async def _pages(
        self, client: Any, bucket: str, choice: Choice | None
    ) -> AsyncIterator[list[Seen]]:
        if choice is None:
            return
        about = {"Bucket": bucket, "Prefix": choice.prefix}
        if self._versions:
            async for page in pages(client, "list_object_versions", **about):
                found = [listed(bucket, one) for one in page.get("Versions", [])]
                marks = [listed(bucket, one, gone=True) for one in page.get("DeleteMarkers", [])]
                yield [*found, *marks]
        else:
            async for page in pages(client, "list_objects_v2", **about):
                yield [listed(bucket, one) for one in page.get("Contents", [])]
