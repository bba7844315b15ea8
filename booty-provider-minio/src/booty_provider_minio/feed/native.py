"""What MinIO tells itself, read from its stream and told in the stack's own words."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from booty_provider_minio.feed.changes import Change, of_minio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty_provider_minio.feed.bus import Bus

__all__ = ["Orders", "follow"]

DURABLE: Final = "feed"
BATCH: Final = 256
WAIT_SECONDS: Final = 1.0
ACK_SECONDS: Final = 60
REMEMBERED: Final = 100_000
"""Keys whose last change is remembered, to know what comes too late."""


class Orders:
    """Knows the last change of each key that was told since the start."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], str] = OrderedDict()

    def sorted(self, changes: Iterable[Change]) -> list[Change]:
        """Return changes in the order of their sequencers; late ones are marked."""
        found = []
        for change in sorted(changes, key=lambda one: (one.sequencer.zfill(32), one.time)):
            key, now = (change.bucket, change.key), change.sequencer.zfill(32)
            before = self._last.get(key, "")
            found.append(evolve(change, late=True) if now < before else change)
            self._last[key] = max(now, before)
            self._last.move_to_end(key)
        while len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return found


async def follow(bus: Bus, raw: str, subject: str, orders: Orders) -> None:
    """Tell everything that MinIO tells, until the task is cancelled.

    A message is acknowledged when what it says is stored; one that is no event is dropped and said.

    Args:
        bus: where it is read and told.
        raw: the stream that MinIO writes.
        subject: what MinIO publishes to.
        orders: what was told before.
    """
    from nats.errors import Error

    while True:
        try:
            await bus.streams(raw, subject)
            await _pulled(bus, raw, subject, orders)
        except (Error, OSError, TimeoutError):
            from booty_provider_minio.feed.bus import AGAIN_SECONDS, waited

            await waited(AGAIN_SECONDS)


async def _pulled(bus: Bus, raw: str, subject: str, orders: Orders) -> None:
    from nats.js.api import ConsumerConfig

    config = ConsumerConfig(ack_wait=ACK_SECONDS, max_ack_pending=BATCH * 2)
    pulled = await bus.jetstream.pull_subscribe(subject, durable=DURABLE, stream=raw, config=config)
    while True:
        try:
            messages = await pulled.fetch(BATCH, timeout=WAIT_SECONDS)
        except TimeoutError:
            await bus.streams(raw, subject)  # nothing came, or nothing is there to come from
            continue
        await bus.tell(orders.sorted(change for one in messages for change in _told(one)))
        for one in messages:
            await one.ack()


def _told(message: Any) -> list[Change]:
    try:
        return list(of_minio(message.data))
    except ValueError as error:
        print(f"feed: dropped a message that is no event: {error}", flush=True)  # noqa: T201 - log
        return []
