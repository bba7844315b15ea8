"""Messages that fail again and again are set aside, in a topic of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.clients.pubsub.message import Outgoing

if TYPE_CHECKING:
    from booty.clients.pubsub.message import Delivery
    from booty.clients.pubsub.topic import Topic

__all__ = ["COUNT", "ID", "TOPIC", "Burials", "DeadLetters"]

TOPIC: Final = "dead-letter-topic"
"""Metadata of a dead letter: the topic or subject that it was sent to first."""
COUNT: Final = "dead-letter-count"
"""How often it was delivered."""
ID: Final = "dead-letter-id"
"""Its id there."""


@frozen(kw_only=True)
class DeadLetters:
    """Where messages go that failed too often.

    Attributes:
        topic: is closed with the subscription.
        deliveries: how often a message is tried.
        subscription: name of the subscription, part of a letter's id.
    """

    topic: Topic
    deliveries: int
    subscription: str

    def letter(self, delivery: Delivery) -> Outgoing:
        """Return what is sent to the dead-letter topic for a message.

        Its id is the same however often it is sent, so that a crash between sending it and taking
        the message for done leaves one letter.
        """
        about = {TOPIC: delivery.topic, COUNT: str(delivery.count), ID: delivery.id}
        return Outgoing(
            body=delivery.body,
            metadata={**delivery.metadata, **about},
            key=delivery.key,
            id=f"{self.subscription}/{delivery.topic}/{delivery.id}",
        )


class Burials:
    """Letters on their way; nothing that is behind them waits.

    Args:
        dead: where they go; ``None`` = a message is tried for ever.
        buried: called with a message that lies in the dead-letter topic now.
        failed: called with why one does not; it is not acknowledged, so it comes again.
    """

    def __init__(
        self,
        dead: DeadLetters | None,
        buried: Callable[[Delivery], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._dead = dead
        self._buried = buried
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def hopeless(self, delivery: Delivery, *, again: bool = False) -> bool:
        """Tell whether a message was tried as often as it is; ``again`` = it is to be once more."""
        return self._dead is not None and delivery.count + again > self._dead.deliveries

    def bury(self, delivery: Delivery) -> None:
        """Send a message to the dead-letter topic; returns at once."""
        task = asyncio.create_task(self._bury(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bury(self, delivery: Delivery) -> None:
        if self._dead is None:
            return
        try:
            await self._dead.topic.send_many((self._dead.letter(delivery),))
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is kept
            self._failed(error)
        else:
            self._buried(delivery)

    async def flush(self) -> None:
        """Wait until all that were begun are buried, or failed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Give up what is not done, and close the topic."""
        for task in self._tasks:
            task.cancel()
        if self._dead is not None:
            await self._dead.topic.close()
