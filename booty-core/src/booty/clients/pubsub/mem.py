"""``mem://`` topics: kept by this process, for tests and for programs that may lose them.

Threads, each with a loop of its own, may use one topic together.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import anyio
from attrs import define, evolve, field, frozen

from booty.clients.errors import Code, NotFoundError, code_of
from booty.clients.pubsub import local
from booty.clients.pubsub.lease import Entry, Lease
from booty.clients.pubsub.message import Delivery

if TYPE_CHECKING:
    from booty.clients.location import Location
    from booty.clients.pubsub.message import Outgoing

__all__ = ["subscription", "topic"]

BATCH: Final = 1000


@define(eq=False)
class _Waiter:
    """Somebody who waits, in whatever thread."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]

    def wake(self) -> None:
        self.loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


@define(eq=False)
class _Queue:
    """A subscription."""

    lease: Lease
    waiters: list[_Waiter] = field(factory=list)

    def wake(self) -> None:
        for waiter in self.waiters:
            waiter.wake()


@define(eq=False)
class _Store:
    """A topic. ``lock`` is held by whoever looks at the rest."""

    lock: threading.Lock = field(factory=threading.Lock)
    queues: dict[str, _Queue] = field(factory=dict)
    kept: list[Entry] = field(factory=list)
    """What was sent before there was any subscription."""
    seen: dict[str, float] = field(factory=dict)
    """When ids are forgotten, the oldest first."""
    numbers: itertools.count[int] = field(factory=lambda: itertools.count(1))

    def put(self, messages: Sequence[Outgoing], window: float) -> None:
        now = time.monotonic()
        with self.lock:
            for message in messages:
                if self._new(message.id, now, window):
                    self._spread(evolve(message, body=bytes(message.body)))
            for queue in self.queues.values():
                queue.wake()

    def _new(self, name: str, now: float, window: float) -> bool:
        while self.seen and next(iter(self.seen.values())) <= now:
            del self.seen[next(iter(self.seen))]
        if name in self.seen:
            return False
        if name:
            self.seen[name] = now + window
        return True

    def _spread(self, message: Outgoing) -> None:
        number = next(self.numbers)
        for queue in self.queues.values():
            queue.lease.put(Entry(number, message))
        if not self.queues:
            self.kept.append(Entry(number, message))

    def queue(self, name: str, ack_wait: float, *, create: bool) -> _Queue:
        with self.lock:
            if name not in self.queues:
                if not create:
                    raise NotFoundError(
                        f'there is no subscription "{name}"', hint="open it with create=true"
                    )
                self.queues[name] = _Queue(Lease(ack_wait, self.kept))
                self.kept = []
            return self.queues[name]


_TOPICS: Final[dict[str, _Store]] = {}
_LOCK: Final = threading.Lock()


def _store(name: str, *, create: bool) -> _Store:
    with _LOCK:
        if name not in _TOPICS:
            if not create:
                raise NotFoundError("there is no such topic", hint="open it with create=true")
            _TOPICS[name] = _Store()
        return _TOPICS[name]


class _Mem:
    capabilities = local.CAPABILITIES
    max_batch = BATCH
    max_ack_batch = BATCH

    def code(self, error: Exception) -> Code:
        return code_of(error)

    def retryable(self, error: Exception) -> bool:
        return False

    def native(self) -> tuple[object, ...]:
        return ()

    async def close(self) -> None:
        pass


@frozen
class _Topic(_Mem):
    name: str
    create: bool
    window: float
    max_payload: int

    async def send(
        self, messages: Sequence[Outgoing], numbers: Sequence[int]
    ) -> Sequence[Exception | None]:
        store = _store(self.name, create=self.create)

        async def put(good: list[Outgoing]) -> None:
            store.put(good, self.window)

        return await local.send(messages, self.max_payload, put)


@frozen
class _Subscription(_Mem):
    topic: str
    name: str
    create: bool
    ack_wait: float

    def _queue(self) -> tuple[_Store, _Queue]:
        store = _store(self.topic, create=self.create)
        return store, store.queue(self.name, self.ack_wait, create=self.create)

    async def receive(self, limit: int) -> Sequence[Delivery]:
        store, queue = self._queue()
        loop = asyncio.get_running_loop()
        while True:
            now = time.monotonic()
            waiter = _Waiter(loop, loop.create_future())
            with store.lock:
                if found := queue.lease.take(limit, now):
                    ends = loop.time() + queue.lease.ack_wait
                    return [self._delivery(entry, ends) for entry in found]
                queue.waiters.append(waiter)
                patience = queue.lease.next_due() - now
            try:
                with anyio.move_on_after(patience):
                    await waiter.future
            finally:
                with store.lock:
                    queue.waiters.remove(waiter)

    def _delivery(self, entry: Entry, ends: float) -> Delivery:
        message = entry.message
        return Delivery(
            token=entry.number,
            body=message.body,
            metadata=dict(message.metadata),
            topic=self.topic,
            id=message.id or str(entry.number),
            count=entry.count,
            key=message.key,
            expires=ends,
        )

    async def ack(self, tokens: Sequence[Any]) -> None:
        store, queue = self._queue()
        with store.lock:
            if any([queue.lease.done(token) for token in tokens]):  # noqa: C419 - all of them
                queue.wake()

    async def nack(self, tokens: Sequence[Any], delay: float) -> None:
        self._again(tokens, time.monotonic() + delay if delay else 0.0)

    async def release(self, tokens: Sequence[Any]) -> None:
        self._again(tokens, 0.0, unseen=True)

    async def extend(self, tokens: Sequence[Any]) -> None:
        self._again(tokens, time.monotonic() + self.ack_wait)

    def _again(self, tokens: Sequence[Any], due: float, *, unseen: bool = False) -> None:
        store, queue = self._queue()
        with store.lock:
            for token in tokens:
                queue.lease.again(token, due, unseen=unseen)
            queue.wake()


def topic(location: Location) -> _Topic:
    """Make the driver of a topic for ``mem://NAME``."""
    given = location.parameters
    return _Topic(
        local.name(location), given["create"], given["dedupe_window"], given["max_payload"]
    )


def subscription(location: Location) -> _Subscription:
    """Make the driver of a subscription for ``mem://NAME?durable=…``."""
    local.check_end(location)
    given = location.parameters
    return _Subscription(local.name(location), given["durable"], given["create"], given["ack_wait"])
