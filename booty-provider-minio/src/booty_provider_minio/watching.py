"""Changes of files as they are told, for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from booty import ConfigError, HealthError

from booty_provider_minio import events
from booty_provider_minio.feed.bus import connected
from booty_provider_minio.feed.changes import PREFIX
from booty_provider_minio.feed.choice import choose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from booty import Instance

    from booty_provider_minio.places import Place

__all__ = ["changes"]


async def changes(
    instance: Instance, place: Place | None, began: Callable[[], None]
) -> AsyncIterator[dict[str, Any]]:
    """Yield events from now on; those of one bucket, or of keys that begin so.

    Args:
        instance: of the service.
        place: which; ``None`` = all.
        began: called when none is missed any more.

    Raises:
        ConfigError: the service tells no changes.
        HealthError: the bus does not answer.
    """
    from nats.errors import Error

    if events.LINK not in instance.links:
        raise ConfigError(
            f'cannot watch "{instance.service}": it tells its changes to nobody',
            reference="minio-no-events",
            subject=f"services.{instance.service}",
            hint=f'write events = "NATS SERVICE" under [services.{instance.service}]',
        )
    _refuse_untold(instance, place)
    source = events.source(instance)
    try:
        async with connected(events.bus(instance)) as connection:
            told = await connection.subscribe(f"{PREFIX}.{_token(place)}.>")
            await connection.flush()
            began()
            async for message in told.messages:
                event = json.loads(message.data)
                if event["source"] == source and _is_meant(event, place):
                    yield event
    except (Error, OSError, TimeoutError) as error:
        raise HealthError(
            f'cannot watch "{instance.service}": {str(error) or type(error).__name__}',
            reference="minio-watch",
            subject=instance.service,
            hint=f"booty health {instance.links[events.LINK].service}",
        ) from error


def _refuse_untold(instance: Instance, place: Place | None) -> None:
    bucket = place and instance.resources.get("buckets", {}).get(place.bucket)
    if not place or not bucket:
        return
    choice = choose(bucket)
    if not (choice and choice.meets(place.key)):
        raise ConfigError(
            f'cannot watch "{place}": its changes are not told',
            reference="minio-not-told",
            subject=f"services.{instance.service}.buckets.{place.bucket}.events",
            hint=f"change events of [services.{instance.service}.buckets.{place.bucket}]",
        )


def _token(place: Place | None) -> str:
    return place.bucket.replace(".", "_") if place else "*"


def _is_meant(event: dict[str, Any], place: Place | None) -> bool:
    data = event["data"]
    return place is None or (data["bucket"] == place.bucket and data["key"].startswith(place.key))
