"""A driver of topics that records what it is asked, for the portable types alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
from attrs import define, field

from booty.clients.capability import Capability
from booty.clients.errors import (
    Code,
)
from booty.clients.pubsub.backoff import Backoff
from booty.clients.pubsub.intake import Flow
from booty.clients.pubsub.message import Delivery, Message, Outgoing
from booty.clients.pubsub.subscription import Subscription
from booty.clients.pubsub.topic import Topic

__all__ = ["Fake", "Fatal", "Retry", "endless", "got", "subscription", "topic"]

QUICK = Backoff(first=0.001, most=0.002)


class Retry(Exception):  # noqa: N818 - it says what to do
    """A fault that passes."""


class Fatal(Exception):  # noqa: N818 - likewise
    """A fault that stays."""


@define(eq=False)
class Fake:
    """A driver of both kinds; its answers are scripts, and it knows what it was asked."""

    capabilities: frozenset[Capability] = frozenset(
        (Capability.NACK, Capability.DELAY, Capability.EXTEND)
    )
    max_batch: int = 100
    max_ack_batch: int = 100
    ack_wait: float = 30.0
    sent: list[list[bytes]] = field(factory=list)
    told: list[tuple[str, list[Any]]] = field(factory=list)
    numbers: list[list[int]] = field(factory=list)
    closed: int = 0
    hangs: frozenset[str] = frozenset()
    faults: dict[str, list[Exception]] = field(factory=dict)
    batches: list[list[int]] = field(factory=list)
    more: anyio.Event = field(factory=anyio.Event)
    asked: list[int] = field(factory=list)
    open_at_close: list[str] = field(factory=list)

    def code(self, error: Exception) -> Code:
        """Give a code that is neither unknown nor that of a fault of ours."""
        return Code.RESOURCE_EXHAUSTED

    def retryable(self, error: Exception) -> bool:
        """Tell the two apart."""
        return isinstance(error, Retry)

    def native(self) -> tuple[object, ...]:
        """Give something to find."""
        return (self, "words")

    async def close(self) -> None:
        """Count."""
        self.closed += 1
        self.open_at_close = [verb for verb, _ in self.told]

    async def _obey(self, verb: str) -> None:
        await anyio.lowlevel.checkpoint()
        if verb in self.hangs:
            await anyio.Event().wait()
        if self.faults.get(verb):
            raise self.faults[verb].pop(0)

    async def send(
        self, messages: Sequence[Outgoing], numbers: Sequence[int]
    ) -> Sequence[Exception | None]:
        """Record a batch."""
        self.numbers.append(list(numbers))
        await self._obey("send")
        self.sent.append([one.body for one in messages])
        return [Fatal(one.body) if one.body == b"bad" else None for one in messages]

    async def receive(self, limit: int) -> Sequence[Delivery]:
        """Give the next batch of the script, no more than asked for."""
        self.asked.append(limit)
        await self._obey("receive")
        if not self.batches:
            await self.more.wait()
            return ()
        batch = self.batches.pop(0)
        if batch[limit:]:
            self.batches.insert(0, batch[limit:])
        return [
            Delivery(token=n, body=b"%d" % n, metadata={}, topic="t", id=str(n))
            for n in batch[:limit]
        ]

    async def ack(self, tokens: Sequence[Any]) -> None:
        """Record."""
        await self._tell("ack", tokens)

    async def nack(self, tokens: Sequence[Any], delay: float) -> None:
        """Record."""
        await self._tell("nack", tokens)

    async def release(self, tokens: Sequence[Any]) -> None:
        """Record."""
        await self._tell("release", tokens)

    async def extend(self, tokens: Sequence[Any]) -> None:
        """Record."""
        await self._tell("extend", tokens)

    async def _tell(self, verb: str, tokens: Sequence[Any]) -> None:
        await self._obey(verb)
        self.told.append((verb, list(tokens)))


def subscription(driver: Fake, **flow: int) -> Subscription:
    """Make a subscription over a fake."""
    return Subscription(driver, "fake://t", flow=Flow(**flow), backoff=QUICK)


def topic(driver: Fake, **fields: int) -> Topic:
    """Make a topic over a fake."""
    return Topic(driver, "fake://t", backoff=QUICK, **fields)


async def endless(one: Subscription) -> None:
    """Receive for ever."""
    while True:
        await one.receive()


async def got(one: Subscription, count: int) -> list[Message]:
    """Receive so many."""
    found: list[Message] = []
    while len(found) < count:
        found += await one.receive_many(count - len(found))
    return found
