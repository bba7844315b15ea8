"""``bootstrap``: what is declared is made, what was changed is changed, the rest is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from booty import ConfigError, StartError

from booty_provider_nats import shapes
from booty_provider_nats.api import ApiError, JetStream
from booty_provider_nats.session import as_consumer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty import Instance, Service

__all__ = ["Wanted", "make_all", "same", "wanted"]

_BUSY: Final = 503
_EMPTY: Final[tuple[object, ...]] = (None, "", 0, -1, [], {}, False)
"""What an answer leaves out, or fills in by itself, when nothing was asked for."""


@frozen(kw_only=True)
class Wanted:
    """One thing that must be there.

    Attributes:
        path: where it is declared.
        kind: ``stream`` or ``consumer``, for people.
        info: request that tells of it.
        create: request that makes it.
        update: request that changes it.
        config: what it must look like.
        remove: what a person types to be rid of it.
    """

    path: str
    kind: str
    info: str
    create: str
    update: str
    config: Mapping[str, Any]
    remove: str

    def body(self, config: Mapping[str, Any], action: str) -> dict[str, Any]:
        """Return the body of ``create`` or ``update``."""
        if self.kind == "stream":
            return dict(config)
        stream = self.info.split(".")[2]
        return {"stream_name": stream, "config": dict(config), "action": action}


async def make_all(service: Service) -> None:
    """Make or change every declared resource; what is no longer declared is kept.

    Raises:
        ConfigError: something cannot become what is declared; NATS's reason is told.
        StartError: JetStream did not answer, or has no room.
    """
    instance = service.instances[0]
    declared = wanted(instance)
    if not declared:
        return
    async with as_consumer(instance) as connection:
        jetstream = JetStream(connection)
        for one in declared:
            await _make(jetstream, one)


def wanted(instance: Instance) -> list[Wanted]:
    """Return what is declared, streams before their consumers."""
    return [*_streams(instance), *_consumers(instance)]


def _streams(instance: Instance) -> Iterator[Wanted]:
    for path, config in shapes.streams(instance):
        name = config["name"]
        yield Wanted(
            path=path,
            kind="stream",
            info=f"STREAM.INFO.{name}",
            create=f"STREAM.CREATE.{name}",
            update=f"STREAM.UPDATE.{name}",
            config=config,
            remove=f"booty client {instance.service} rm {name}",
        )


def _consumers(instance: Instance) -> Iterator[Wanted]:
    for name, declared in instance.resources.get("consumers", {}).items():
        where = f"{declared.stream}.{name}"
        yield Wanted(
            path=f"services.{instance.service}.consumers.{name}",
            kind="consumer",
            info=f"CONSUMER.INFO.{where}",
            create=f"CONSUMER.CREATE.{where}",
            update=f"CONSUMER.CREATE.{where}",
            config=shapes.consumer(name, declared),
            remove=f"booty client {instance.service} rm {declared.stream} {name}",
        )


async def _make(jetstream: JetStream, one: Wanted) -> None:
    found = None
    try:
        found = await jetstream.info(one.info)
        if found is None:
            await jetstream.call(one.create, one.body(one.config, "create"))
        elif _differs(one.config, found["config"]):
            merged = {**found["config"], **one.config}
            await jetstream.call(one.update, one.body(merged, "update"))
    except ApiError as error:
        raise _fault(one, error, known=found is not None) from error


def _differs(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return any(not same(value, found.get(key)) for key, value in wanted.items())


def same(wanted: Any, found: Any) -> bool:
    """Tell whether a value of NATS's answer is what was asked for."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return not _differs(wanted, found)
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return all(same(*pair) for pair in zip(wanted, found, strict=True))
    return wanted == found or (wanted in _EMPTY and found in _EMPTY)


def _fault(one: Wanted, error: ApiError, *, known: bool) -> ConfigError | StartError:
    name = one.path.rpartition(".")[2]
    if error.code == _BUSY:
        return StartError(
            f'cannot make {one.kind} "{name}": {error.description}',
            reference="nats-unavailable",
            subject=one.path,
            hint=f"booty health {one.path.split('.')[1]}",
        )
    return ConfigError(
        f'cannot {"change" if known else "make"} {one.kind} "{name}": {error.description}',
        reference="nats-cannot-change" if known else "nats-cannot-make",
        subject=one.path,
        hint=f"undo the change, or lose what is in it: {one.remove}, then booty up"
        if known
        else f"change {one.path} in booty.toml",
    )
