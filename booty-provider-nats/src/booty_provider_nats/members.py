"""Members of a cluster: reading the file again, leaving for good, becoming more or fewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve
from booty import BootyError, ConfigError, HealthError, StopError

from booty_provider_nats.accounts import APP
from booty_provider_nats.api import ApiError, JetStream, ask
from booty_provider_nats.configuration import store
from booty_provider_nats.session import as_consumer, as_system, greeting

if TYPE_CHECKING:
    from booty import Instance, Service

__all__ = ["change_size", "moved", "remove", "reread"]

_NO_SUCH_PEER: Final = 10044


async def reread(instance: Instance) -> bool:
    """Ask a server to read its file again.

    Returns:
        Whether it took all of it; ``False`` also if it could not be asked (its own password is
        what changed): it must be restarted.
    """
    try:
        info = await greeting(instance.endpoints["client"])
        if info is None:
            return False
        async with as_system(instance) as connection:
            answer = await ask(connection, f"$SYS.REQ.SERVER.{info['server_id']}.RELOAD")
    except (OSError, BootyError, ApiError):
        return False
    return "error" not in answer


async def remove(instance: Instance) -> None:
    """Have the other members forget one; copies of streams that it held are made elsewhere.

    Forgetting one that is not known is no fault, so this may be asked twice.

    Raises:
        StopError: the cluster has no leader, or refuses.
    """
    other = _other(instance)
    if other is None:
        return
    try:
        async with as_system(other) as connection:
            jetstream = JetStream(connection)
            await jetstream.call("SERVER.REMOVE", {"peer": instance.name})
    except (ApiError, BootyError) as error:
        if isinstance(error, ApiError) and error.number == _NO_SUCH_PEER:
            return
        raise StopError(
            f'cannot take "{instance.name}" out of its cluster: {error}',
            reference="nats-leave",
            subject=instance.name,
            hint=f"booty health {instance.service}",
        ) from error


async def moved(instance: Instance) -> str | None:
    """Take one out of the cluster's plans while it runs, so that nothing has too few copies.

    Returns:
        What has no copies enough without it yet; ``None`` when all has.

    Raises:
        ConfigError: it holds the only copy of a stream, which would be lost.
        StopError: the cluster has no leader, or refuses.
    """
    other = _other(instance)
    if other is None:
        return None
    try:
        async with as_consumer(other) as connection:
            jetstream = JetStream(connection)
            _refuse_only_copies(instance, [one async for one in jetstream.streams()])
            await remove(instance)
            lacking = [
                str(stream["config"]["name"])
                async for stream in jetstream.streams()
                if not _complete(stream, instance.name)
            ]
    except (ApiError, HealthError) as error:
        return f"the cluster does not answer: {error}"
    return f"copies are made of {', '.join(sorted(lacking))}" if lacking else None


def _other(instance: Instance) -> Instance | None:
    # any server that stays can be asked; the one that leaves may be gone already
    stays = [peer for peer in instance.peers if peer.index < instance.index]
    return evolve(instance, endpoints=stays[0].endpoints) if stays else None


async def change_size(service: str, old: Service, new: Service) -> None:
    """Refuse a change of size that would leave messages behind.

    A single server and a cluster cannot read each other's folders (they have one each, see
    :func:`~booty_provider_nats.configuration.store`), and streams cannot have more copies than
    there are servers. A cluster that grows needs nothing; of one that shrinks each who goes is
    drained first (:func:`moved`).

    Raises:
        ConfigError: messages would stay behind; the hint says how to carry them over.
        StopError: the cluster cannot be asked.
    """
    before, after = len(old.instances), len(new.instances)
    if before == after or 1 < before < after:
        return
    if after > 1 and before > 1:
        await _refuse_too_many(service, old, after)
        return
    held = sorted({name for instance in old.instances for name in _streams_on_disk(instance)})
    if held:
        raise _refused(service, before, after, held)


def _streams_on_disk(instance: Instance) -> list[str]:
    folder = Path(store(instance)) / "jetstream" / APP / "streams"
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []


async def _refuse_too_many(service: str, old: Service, after: int) -> None:
    stays = old.instances[0]
    try:
        async with as_consumer(stays) as connection:
            jetstream = JetStream(connection)
            many = [
                stream["config"]["name"]
                async for stream in jetstream.streams()
                if int(stream["config"]["num_replicas"]) > after
            ]
            if many:
                raise _too_many_copies(service, after, many)
    except (ApiError, HealthError) as error:
        raise StopError(
            f'cannot make "{service}" smaller: its members do not agree: {error}',
            reference="nats-shrink",
            subject=f"services.{service}.replicas",
            hint=f"start it as it was first: booty start {service}",
        ) from error


def _refuse_only_copies(instance: Instance, streams: list[dict[str, Any]]) -> None:
    alone = sorted(
        str(stream["config"]["name"])
        for stream in streams
        if int(stream["config"]["num_replicas"]) == 1
        and (stream.get("cluster") or {}).get("leader") == instance.name
    )
    if alone:
        raise ConfigError(
            f'cannot take "{instance.name}" out of its cluster: it holds the only copy of'
            f" {', '.join(alone)}",
            reference="nats-only-copy",
            subject=f"services.{instance.service}.replicas",
            hint="write replicas = 3 for these streams, booty up -d, then make the service smaller",
        )


def _complete(stream: dict[str, Any], gone: str) -> bool:
    cluster = stream.get("cluster") or {}
    copies = cluster.get("replicas") or []
    return (
        len(copies) == int(stream["config"]["num_replicas"]) - 1
        and cluster.get("leader") not in ("", None, gone)
        and all(one.get("current") and one["name"] != gone for one in copies)
    )


def _too_many_copies(service: str, after: int, many: list[str]) -> ConfigError:
    return ConfigError(
        f'cannot run "{service}" with {after} replicas: more copies are asked for by'
        f" {', '.join(sorted(many))}",
        reference="nats-size",
        subject=f"services.{service}.replicas",
        hint=f"write replicas = {after} for these streams, booty up, then change the service",
    )


def _refused(service: str, before: int, after: int, held: list[str]) -> ConfigError:
    return ConfigError(
        f'cannot turn "{service}" from {before} to {after} replicas just so:'
        f" {', '.join(held)} would stay behind",
        reference="nats-size",
        subject=f"services.{service}.replicas",
        hint=f"with the old number: booty client {service} backup DIR, booty destroy {service};"
        f" then with the new one: booty up -d, booty client {service} restore DIR",
    )
