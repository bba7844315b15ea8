"""One bounded look at a server: does it live, does it take work, does it do its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty import Health

from booty_provider_minio.session import Refused, Unreachable, as_root, ask

if TYPE_CHECKING:
    from booty import Instance

__all__ = ["BUCKET", "look"]

BUCKET: Final = "booty-health"
"""A bucket of booty's own: one object comes and goes in it when somebody looks."""
LOOK_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 2.0
BODY: Final = b"booty"


async def look(instance: Instance) -> Health:
    """Look once; never raises for "not up yet"."""
    why = await _not_alive(instance)
    if why:
        return Health(alive=False, ready=False, good=False, reason=why)
    ready, reason = await _works(instance)
    return Health(alive=True, ready=ready, good=reason is None, reason=reason)


async def _not_alive(instance: Instance) -> str | None:
    import asyncio

    api = instance.endpoints["api"]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(api.host, api.port)
    except (OSError, TimeoutError) as error:
        return f"nobody answers at {api.address}: {str(error) or 'in time'}"
    writer.transport.abort()
    return None


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
    try:
        await ask(client.head_bucket(Bucket=BUCKET))
    except Refused as error:
        if not error.missing:
            raise
        await ask(client.create_bucket(Bucket=BUCKET))


async def _write(client: Any, key: str) -> None:
    await ask(client.put_object(Bucket=BUCKET, Key=key, Body=BODY))
    answer = await ask(client.get_object(Bucket=BUCKET, Key=key))
    async with answer["Body"] as body:
        if await ask(body.read()) != BODY:
            raise Refused("WrongBody", 200, "what was read is not what was written")
    await ask(client.delete_object(Bucket=BUCKET, Key=key))
