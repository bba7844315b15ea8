"""One bounded look at a server: does it live, does it take work, does it do its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty import BootyError, Health

from booty_provider_nats.api import ApiError, JetStream, ask, put
from booty_provider_nats.session import as_health, as_system, greeting

if TYPE_CHECKING:
    from booty import Instance
    from nats.aio.client import Client

__all__ = ["look"]

GOOD_SECONDS: Final = 15.0
"""As long as an election of Raft may take, which a write has to wait for."""
STREAM: Final = "HEALTH"
SUBJECT: Final = "booty.health"


async def look(instance: Instance) -> Health:
    """Look once; never raises for "not up yet"."""
    try:
        info = await greeting(instance.endpoints["client"])
    except OSError as error:
        reason = f"nobody answers at {instance.endpoints['client'].address}: {error.strerror}"
        return Health(alive=False, ready=False, good=False, reason=reason)
    if info is None:
        return Health(alive=False, ready=False, good=False, reason="it does not greet as NATS does")
    why = _not_ready(instance, info)
    if why:
        return Health(alive=True, ready=False, good=False, reason=why)
    lacks = await _not_good(instance)
    return Health(alive=True, ready=True, good=lacks is None, reason=lacks)


def _not_ready(instance: Instance, info: dict[str, Any]) -> str | None:
    if info.get("server_name") != instance.name:
        return f'another server, "{info.get("server_name")}", has its port'
    if not info.get("jetstream"):
        return "JetStream is off"
    return "it is in lame duck mode and will end" if info.get("ldm") else None


async def _not_good(instance: Instance) -> str | None:
    import asyncio

    try:
        async with asyncio.timeout(GOOD_SECONDS):
            return await _alone_or_together(instance)
    except TimeoutError:
        return f"a write was not acknowledged within {GOOD_SECONDS:g} s"
    except BootyError as error:
        return error.message
    except ApiError as error:
        return f"JetStream: {error.description}"


async def _alone_or_together(instance: Instance) -> str | None:
    if instance.replicas > 1:
        async with as_system(instance) as connection:
            reason = await _not_together(connection, instance.replicas)
        if reason:
            return reason
    async with as_health(instance) as connection:
        await _write(connection, instance.replicas)
    return None


async def _not_together(connection: Client, replicas: int) -> str | None:
    try:
        answer = await ask(connection, "$SYS.REQ.SERVER.PING.JSZ", {"leader_only": True})
    except ApiError:  # only a leader answers this
        return "the cluster has no leader"
    group = answer.get("data", {}).get("meta_cluster") or {}
    members = group.get("replicas") or []
    behind = [one["name"] for one in members if one.get("offline") or not one.get("current")]
    if behind:
        return f"not current: {', '.join(sorted(behind))}"
    size = int(group.get("cluster_size", 0))
    return None if size == replicas else f"the cluster has {size} members, not {replicas}"


async def _write(connection: Client, replicas: int) -> None:
    """Have one message acknowledged by a stream with as many copies as there are servers."""
    jetstream = JetStream(connection)
    known = await jetstream.info(f"STREAM.INFO.{STREAM}")
    if known is None:
        await jetstream.call(f"STREAM.CREATE.{STREAM}", _stream(replicas))
    elif known["config"]["num_replicas"] != replicas:
        await jetstream.call(f"STREAM.UPDATE.{STREAM}", _stream(replicas))
    await put(connection, SUBJECT, b"{}")


def _stream(replicas: int) -> dict[str, Any]:
    return {
        "name": STREAM,
        "description": "one message, written when booty looks whether writes work",
        "subjects": [SUBJECT],
        "storage": "file",
        "max_msgs": 1,
        "num_replicas": replicas,
    }
