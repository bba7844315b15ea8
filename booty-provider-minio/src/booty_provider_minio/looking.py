"""One bounded look at a server: does it live, does it take work, does it do its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty import Health

from booty_provider_minio import engines, events
from booty_provider_minio.session import (
    BUCKET,
    Refused,
    Unreachable,
    as_root,
    ask,
    authority,
    create,
    exists,
)

if TYPE_CHECKING:
    from booty import Instance

__all__ = ["look"]

LOOK_SECONDS: Final = 15.0
PAGE_SECONDS: Final = 5.0
OK: Final = 200
UNAVAILABLE: Final = 503
BODY: Final = b"booty"


async def look(instance: Instance) -> Health:
    """Look once; never raises for "not up yet"."""
    if instance.role:  # the feed: it lives, or the supervisor starts it again
        lacks = await _not_told(instance)
        return Health(alive=True, ready=True, good=lacks is None, reason=lacks)
    path = engines.of(instance).health
    try:
        status = await _status(instance, path or "/")
    except (OSError, TimeoutError) as error:
        reason = f"nobody answers at {instance.endpoints['api'].address}: {str(error) or 'in time'}"
        return Health(alive=False, ready=False, good=False, reason=reason)
    if path and status != OK:
        return Health(alive=True, ready=False, good=False, reason=_not_ready(instance, status))
    ready, lacks = await _works(instance)
    lacks = lacks or _deaf(instance)
    return Health(alive=True, ready=ready, good=lacks is None, reason=lacks)


def _not_ready(instance: Instance, status: int) -> str:
    if status == UNAVAILABLE and instance.replicas * instance.settings.drives > 1:
        return "too few of its drives are there for a write"
    return f"{engines.of(instance).health} answers {status or 'nothing that is HTTP'}"


def _deaf(instance: Instance) -> str | None:
    """Return why events of this server are lost; a listing finds what can be found."""
    from pathlib import Path

    folder = events.queue(instance)
    if not folder or Path(folder).is_dir():
        return None
    return f"the queue of its events was removed: booty restart {instance.name}"


async def _not_told(instance: Instance) -> str | None:
    """Return why changes do not reach the bus now; they wait where they are."""
    import asyncio

    from nats.errors import Error

    from booty_provider_minio.feed.bus import connected, there

    try:
        async with asyncio.timeout(PAGE_SECONDS), connected(events.bus(instance)) as connection:
            return None if await there(connection) else "the stream of events is not there"
    except (Error, OSError, TimeoutError) as error:
        return f"the bus does not answer: {str(error) or 'in time'}"


async def _status(instance: Instance, path: str) -> int:
    """Return the HTTP status of a page; 0 if what answers is no HTTP."""
    import asyncio
    import ssl

    endpoint, ca = instance.endpoints["api"], authority(instance)
    secure = ssl.create_default_context(cadata=ca) if ca else None
    async with asyncio.timeout(PAGE_SECONDS):
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=secure)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {endpoint.address}\r\n\r\n".encode())
            words = (await reader.readline()).split()
        finally:
            writer.transport.abort()
    return int(words[1]) if words[1:] and words[1].isdigit() else 0


async def _works(instance: Instance) -> tuple[bool, str | None]:
    """Return whether it answers a signed request, and why it does not do its job."""
    import asyncio

    ready = False
    try:
        async with asyncio.timeout(LOOK_SECONDS), as_root(instance) as client:
            await _bucket(client)
            ready = True
            await _write(client, instance.name)
    except TimeoutError:
        return ready, f"an object was not written, read and removed within {LOOK_SECONDS:g} s"
    except Refused as error:
        return ready, f"S3 refuses: {error}"
    except Unreachable as error:
        return ready, f"S3 does not answer: {error}"
    return True, None


async def _bucket(client: Any) -> None:
    # bootstrap has made it; somebody may have taken it away since
    if not await exists(client, BUCKET):
        await create(client, BUCKET)


async def _write(client: Any, key: str) -> None:
    await ask(client.put_object(Bucket=BUCKET, Key=key, Body=BODY))
    answer = await ask(client.get_object(Bucket=BUCKET, Key=key))
    async with answer["Body"] as body:
        if await ask(body.read()) != BODY:
            raise Refused("WrongBody", 200, "what was read is not what was written")
    await ask(client.delete_object(Bucket=BUCKET, Key=key))
