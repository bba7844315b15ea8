"""What MinIO tells itself, read from its stream and told in the stack's own words."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from booty_provider_minio.feed.changes import of_minio

if TYPE_CHECKING:
    from booty_provider_minio.feed.bus import Bus
    from booty_provider_minio.feed.changes import Change
    from booty_provider_minio.feed.teller import Teller

__all__ = ["follow", "said"]

DURABLE: Final = "feed"
BATCH: Final = 256
WAIT_SECONDS: Final = 1.0
ACK_SECONDS: Final = 60


async def follow(bus: Bus, raw: str, subject: str, teller: Teller) -> None:
    """Tell everything that MinIO tells, until the task is cancelled.

    A message is acknowledged when what it says is stored; one that is no event is dropped and said.

    Args:
        bus: where it is read.
        raw: the stream that MinIO writes.
        subject: what MinIO publishes to.
        teller: who tells.
    """
    from nats.errors import Error

    while True:
        try:
            await bus.streams(raw, subject)
            await _pulled(bus, raw, subject, teller)
        except (Error, OSError, TimeoutError):
            from booty_provider_minio.feed.bus import AGAIN_SECONDS, waited

            await waited(AGAIN_SECONDS)


async def _pulled(bus: Bus, raw: str, subject: str, teller: Teller) -> None:
    from nats.js.api import ConsumerConfig
    from nats.js.errors import NotFoundError

    # what a killed feed has read and not acknowledged would come in a minute, after its successors
    with suppress(NotFoundError):
        await bus.jetstream.delete_consumer(raw, DURABLE)
    config = ConsumerConfig(ack_wait=ACK_SECONDS, max_ack_pending=BATCH * 2)
    pulled = await bus.jetstream.pull_subscribe(subject, durable=DURABLE, stream=raw, config=config)
    while True:
        try:
            messages = await pulled.fetch(BATCH, timeout=WAIT_SECONDS)
        except TimeoutError:
            await bus.streams(raw, subject)  # nothing came, or nothing is there to come from
            continue
        await teller.heard(change for one in messages for change in said(one.data))
        for one in messages:
            await one.ack()


def said(message: bytes) -> list[Change]:
    """Return what a message of MinIO says; nothing if it is no event, which is said in the log."""
    try:
        return list(of_minio(message))
    except ValueError as error:
        print(f"feed: dropped a message that is no event: {error}", flush=True)  # noqa: T201 - log
        return []
