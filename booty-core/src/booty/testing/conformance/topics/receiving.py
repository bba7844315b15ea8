"""What cases of topics do again and again."""

from __future__ import annotations

from collections.abc import Iterable

import anyio
import anyio.lowlevel

from booty.clients.pubsub.driver import SubscriptionDriver
from booty.clients.pubsub.message import Delivery, Message
from booty.clients.pubsub.subscription import Subscription
from booty.clients.pubsub.topic import Topic

__all__ = [
    "PROMPT",
    "SHORT",
    "collect",
    "delivered",
    "nothing",
    "numbers",
    "received",
    "send_all",
    "settled",
]

SHORT = 0.4
"""Seconds of a deadline that a case waits for."""
PROMPT = 10.0
"""Seconds in which something is told that needs no waiting."""


async def received(subscription: Subscription, count: int) -> list[Message]:
    """Receive so many messages."""
    found: list[Message] = []
    while len(found) < count:
        found += await subscription.receive_many(count - len(found))
    return found


async def settled(subscription: Subscription, count: int) -> set[bytes]:
    """Receive and acknowledge so many; return their bodies."""
    found = await received(subscription, count)
    for message in found:
        message.ack()
    return {message.body for message in found}


async def nothing(subscription: Subscription, seconds: float = SHORT) -> bool:
    """Tell whether nothing comes for a while."""
    with anyio.move_on_after(seconds) as scope:
        await subscription.receive()
    return scope.cancelled_caught


def numbers(count: int) -> list[bytes]:
    """Return so many different bodies."""
    return [str(number).encode() for number in range(count)]


async def send_all(topic: Topic, bodies: Iterable[bytes]) -> None:
    """Send, all at once."""
    async with anyio.create_task_group() as tasks:
        for body in bodies:
            tasks.start_soon(topic.send, body)


async def delivered(driver: SubscriptionDriver, count: int) -> list[Delivery]:
    """Get so many from a bare driver."""
    found: list[Delivery] = []
    while len(found) < count:
        found += await driver.receive(count - len(found))
    return found


async def collect(
    subscription: Subscription, seen: list[bytes], count: int, scope: anyio.CancelScope
) -> None:
    """Receive and acknowledge until so many were seen by all; then end the others."""
    while len(seen) < count:
        for message in await subscription.receive_many(100):
            seen.append(message.body)
            message.ack()
    await subscription.flush()
    scope.cancel()
