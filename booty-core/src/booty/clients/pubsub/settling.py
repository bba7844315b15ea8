"""Acknowledgements on their way to the driver: taken at once, handed over in batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from booty.clients.pubsub.backoff import Backoff

if TYPE_CHECKING:
    from booty.clients.pubsub.driver import SubscriptionDriver

__all__ = ["Settling", "Verb"]

Verb = Literal["ack", "nack", "release", "extend"]


class Settling:
    """The one that talks to a driver about messages that were received, one call at a time.

    Args:
        driver: whom to tell.
        failed: told of what went wrong for good; the messages come again.
        most: tokens in one call at most.
        backoff: waits between tries.
    """

    def __init__(
        self,
        driver: SubscriptionDriver,
        failed: Callable[[Exception], None],
        *,
        most: int,
        backoff: Backoff,
    ) -> None:
        self._driver = driver
        self._failed = failed
        self._most = most
        self._backoff = backoff
        self._queue: deque[tuple[Verb, float, Any]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._never = asyncio.Event()

    def add(self, verb: Verb, token: Any, delay: float = 0.0) -> None:
        """Hand something over soon; what is added before that goes with it."""
        self._queue.append((verb, delay, token))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def flush(self) -> None:
        """Wait until the driver has taken everything that was added before."""
        while self._task is not None and not self._task.done():
            await asyncio.wait((self._task,))

    def abandon(self) -> None:
        """Give up what was not handed over."""
        self._queue.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while self._queue:
            verb, delay, tokens = self._batch()
            await self._tell(verb, delay, tokens)

    def _batch(self) -> tuple[Verb, float, list[Any]]:
        queue = self._queue
        verb, delay, first = queue.popleft()
        tokens = [first]
        # only neighbours: an extension must not overtake the end of the same message
        while queue and len(tokens) < self._most and queue[0][0] == verb and queue[0][1] == delay:
            tokens.append(queue.popleft()[2])
        return verb, delay, tokens

    async def _tell(self, verb: Verb, delay: float, tokens: list[Any]) -> None:
        tries = 0
        while True:
            try:
                await self._call(verb, delay, tokens)
            except Exception as error:  # noqa: BLE001 - the driver says what it means
                tries += 1
                if self._driver.retryable(error):
                    await self._backoff.pause(tries, self._never)
                    continue
                self._failed(error)
            return

    async def _call(self, verb: Verb, delay: float, tokens: list[Any]) -> None:
        if verb == "ack":
            await self._driver.ack(tokens)
        elif verb == "nack":
            await self._driver.nack(tokens, delay)
        elif verb == "release":
            await self._driver.release(tokens)
        else:
            await self._driver.extend(tokens)
