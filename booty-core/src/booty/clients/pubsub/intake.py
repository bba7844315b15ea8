"""What a subscription holds: messages taken ahead, and those that are being worked on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import anyio
from anyio.lowlevel import checkpoint
from attrs import frozen

from booty.clients.pubsub.message import Message
from booty.clients.pubsub.prefetch import Prefetch

if TYPE_CHECKING:
    from booty.clients.pubsub.backoff import Backoff
    from booty.clients.pubsub.driver import SubscriptionDriver
    from booty.clients.pubsub.message import Delivery

__all__ = ["Flow", "Intake"]

LIE_SECONDS: Final = 1.0
"""Seconds that what is taken ahead shall last."""
LIE_SHARE: Final = 4
"""And the part of its deadline: a quarter."""


AVERAGED: Final = 16
"""Messages over which the size of a body is averaged."""


@frozen(kw_only=True)
class Flow:
    """How much a subscription may hold.

    Attributes:
        messages: received and not settled, those taken ahead included.
        bytes: of their bodies.
        batch: messages asked for, or acknowledged, in one call; ``None`` = as the driver can.
    """

    messages: int = 1000
    bytes: int = 64 * 2**20
    batch: int | None = None


class Intake:
    """Takes messages ahead in a task of its own, as many as the program uses and may hold.

    Args:
        driver: where they come from.
        flow: how much may be held; beyond that nothing is taken until something is settled.
        backoff: waits between tries.
        admit: makes the message of a delivery; ``None`` for one that nobody shall see.
        failed: told of what went wrong for good.
    """

    def __init__(
        self,
        driver: SubscriptionDriver,
        flow: Flow,
        backoff: Backoff,
        admit: Callable[[Delivery], Message | None],
        failed: Callable[[Exception], None],
    ) -> None:
        seconds = min(LIE_SECONDS, driver.ack_wait / LIE_SHARE)
        self.prefetch = Prefetch(most=flow.messages, seconds=seconds)
        self.over = asyncio.Event()
        self._driver = driver
        self._flow = flow
        self._backoff = backoff
        self._admit = admit
        self._failed = failed
        self._most = min(flow.batch or driver.max_batch, driver.max_batch)
        self._ready: deque[Message] = deque()
        self._held: dict[Message, None] = {}
        self._bytes = 0
        self._average = 0.0
        """Bytes of a body, of late."""
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()

    def taken(self, limit: int) -> list[Message]:
        """Return messages that are here, none if there are none."""
        now = self._clock()
        found: list[Message] = []
        while self._ready and len(found) < limit:
            message = self._ready.popleft()
            if message.delivery.expires <= now:  # somebody else has it by now
                self._bytes -= len(message.delivery.body)
                continue
            self._held[message] = None
            found.append(message)
        self.prefetch.taken += len(found)
        if found and not self._room.is_set() and self._wants() > 0:
            self._room.set()
        return found

    async def wait(self) -> None:
        """Wait until something happens: a message, a fault, the end."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        future = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        self._room.set()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():  # it was our turn: let another have it
                self.wake(1)
            raise
        finally:
            if future in self._waiters:
                self._waiters.remove(future)

    def wake(self, count: int | None = None) -> None:
        """Let so many of those who wait look again; all if no number is given."""
        left = len(self._waiters) if count is None else count
        while self._waiters and left > 0:
            future = self._waiters.popleft()
            if not future.done():
                future.set_result(None)
                left -= 1

    def settled(self, message: Message) -> None:
        """Count a message no more."""
        # one whose deadline passed is counted no more already, but may still be settled
        if self._held.pop(message, self) is None:
            self._bytes -= len(message.delivery.body)
            self._room.set()

    async def stop(self) -> list[Delivery]:
        """Take no more; return what nobody has seen yet."""
        self.over.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        unseen = [message.delivery for message in self._ready]
        self._ready.clear()
        self.wake()
        return unseen

    async def all_settled(self) -> None:
        """Wait until nothing is worked on any more; one whose deadline passed does not count."""
        while self._held:
            self._room.clear()
            await self._settled_or_expired()

    def abandon(self) -> None:
        """Take no more, at once."""
        self.over.set()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        tries = 0
        while not self.over.is_set():
            # first what is taken ahead may become less: then none may be wanted
            self.prefetch.look(self._clock())
            wanted = min(self._wants(), self._most)
            if wanted <= 0:
                await self._until_room()
                continue
            try:
                found = await self._driver.receive(wanted)
            except Exception as error:  # noqa: BLE001 - the driver says what it means
                tries += 1
                if not self._driver.retryable(error):
                    self._failed(error)
                    return
                await self._backoff.pause(tries, self.over)
                continue
            tries = 0
            self._arrived(found)
            if not found:  # whoever answers at once with nothing shall not have the loop alone
                await checkpoint()

    def _arrived(self, found: Sequence[Delivery]) -> None:
        admitted = 0
        for delivery in found:
            message = self._admit(delivery)
            if message is not None:
                size = len(delivery.body)
                self._ready.append(message)
                self._bytes += size
                self._average += (size - self._average) / AVERAGED
                admitted += 1
        self.wake(admitted)

    def _wants(self) -> int:
        ready = len(self._ready)
        size = max(self.prefetch.size, len(self._waiters))
        room = self._flow.bytes - self._bytes
        if ready > size // 2 or room <= 0:
            return 0
        fit = max(int(room / (self._average + 1)), 1)
        return min(size - ready, self._flow.messages - ready - len(self._held), fit)

    async def _until_room(self) -> None:
        self._room.clear()
        if len(self._held) + len(self._ready) < self._flow.messages:
            await self._room.wait()
        else:
            await self._settled_or_expired()

    async def _settled_or_expired(self) -> None:
        ends = min((one.delivery.expires for one in self._held), default=float("inf"))
        with anyio.move_on_after(max(ends - self._clock(), 0.0)):
            await self._room.wait()
        now = self._clock()
        for message in [one for one in self._held if one.delivery.expires <= now]:
            del self._held[message]
            self._bytes -= len(message.delivery.body)
