"""What a feed has told, read back from the bus when its database is new, or was lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio.feed.bus import AGAIN_SECONDS, STREAM, waited
from booty_provider_minio.feed.changes import PREFIX, of_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booty_provider_minio.feed.bus import Bus
    from booty_provider_minio.feed.changes import Change
    from booty_provider_minio.feed.teller import Teller

__all__ = ["remember"]

WAIT_SECONDS: Final = 5.0


async def remember(bus: Bus, teller: Teller) -> int:
    """Read what this service has told, as far as the stream holds it; return how much that was.

    All of it or nothing is on disk then, so that a killed process begins again.
    """
    from nats.errors import Error

    while True:
        try:
            return await teller.remember(_told(bus))
        except (Error, OSError, TimeoutError):
            await waited(AGAIN_SECONDS)


async def _told(bus: Bus) -> AsyncIterator[Change]:
    if not (await bus.state(STREAM)).get("messages"):
        return
    messages = await bus.jetstream.subscribe(f"{PREFIX}.>", stream=STREAM, ordered_consumer=True)
    try:
        while True:
            message = await messages.next_msg(timeout=WAIT_SECONDS)
            event = _event(message.data)
            if event.get("source") == bus.source:
                yield of_event(event)
            if not message.metadata.num_pending:
                return
    finally:
        await messages.unsubscribe()


def _event(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:  # of somebody else
        return {}
    return found if isinstance(found, dict) else {}
