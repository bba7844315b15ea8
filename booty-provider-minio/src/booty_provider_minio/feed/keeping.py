"""Looks at the buckets of a server again and again, for what nobody has told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, frozen

from booty_provider_minio.feed import rules
from booty_provider_minio.feed.bus import waited
from booty_provider_minio.feed.listing import buckets
from booty_provider_minio.session import Refused, Unreachable, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    from booty_provider_minio.feed.choice import Choices
    from booty_provider_minio.feed.listing import Passes

__all__ = ["Keeper", "Server"]


@frozen(kw_only=True)
class Server:
    """Where objects are, and a key that sees them all.

    Attributes:
        urls: of its instances, any of which will do.
        key: access key.
        secret: what belongs to it.
        ca: the authority of its certificate, PEM; empty = it talks plain HTTP.
    """

    urls: tuple[str, ...]
    key: str
    secret: str
    ca: str = ""


@define(kw_only=True)
class Keeper:
    """Goes over all buckets at its start and in intervals, over a new one when it is seen.

    Attributes:
        server: whose buckets.
        passes: who goes over them; ``None`` = nobody, only rules are set.
        choices: of which keys of which buckets changes are told.
        arn: of the target that the server tells; empty = it tells nobody.
        interval: seconds between two looks for new buckets.
        listing: seconds between the end of one pass over all buckets and the next.
        clock: seconds, monotonic.
    """

    server: Server
    passes: Passes | None
    choices: Choices
    arn: str
    interval: float
    listing: float
    clock: Callable[[], float] = time.monotonic
    _known: set[str] = Factory(set)
    _due: float = 0.0

    async def keep(self) -> None:
        """Look until the task is cancelled."""
        urls = list(self.server.urls)
        while True:
            try:
                async with self._client(urls[0]) as client:
                    while True:
                        await self._look(client)
                        await waited(self.interval)
            except (Refused, Unreachable) as error:
                print(f"feed: the server does not list: {error}", flush=True)  # noqa: T201 - log
                urls.append(urls.pop(0))
                await waited(self.interval)

    def _client(self, url: str) -> AbstractAsyncContextManager[Any]:
        return opened(url, self.server.key, self.server.secret, ca=self.server.ca)

    async def _look(self, client: Any) -> None:
        found = await buckets(client)
        # who tells nobody is listed at each look
        whole = not self.arn or self.clock() >= self._due
        asked = [one for one in found if whole or one not in self._known]
        await self._ensure(client, asked)
        if self.passes and (asked or whole):
            count = await self.passes.over(client, asked, whole=whole)
            if count and self.arn:
                print(f"feed: a listing has shown {count} changes", flush=True)  # noqa: T201 - log
        self._known = set(found)
        if whole:
            self._due = self.clock() + self.listing

    async def _ensure(self, client: Any, buckets: Iterable[str]) -> None:
        for bucket in buckets:
            choice = self.choices.of(bucket)
            if self.arn and choice:
                await rules.ensure(client, bucket, self.arn, choice)
