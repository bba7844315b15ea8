"""NATS with JetStream for booty: one server or a cluster of 3 or 5, with streams made for you.

Only declarations and ``configure`` live at import time; nats-py is imported when a hook needs it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from booty import Component, Health, Instance, Launch, Role, Service, ServiceSpec, hookimpl

from booty_provider_nats.component import COMPONENT, roles
from booty_provider_nats.configuration import launch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from nats.aio.client import Client

__all__ = ["BOOTY_API"]

BOOTY_API = 1


@hookimpl
def components() -> tuple[Component, ...]:
    """Declare the one program of this provider."""
    return (COMPONENT,)


@hookimpl
def expand(service: ServiceSpec) -> tuple[Role, ...]:
    """One role; a cluster opens the cluster port and is ready by its own account of itself."""
    return roles(service)


@hookimpl
def configure(instance: Instance) -> Launch:
    """Say how a server is started: one JSON file, checked by the server itself."""
    return launch(instance)


@hookimpl
async def health(instance: Instance) -> Health:
    """Alive = it greets, ready = JetStream is on, good = it has a leader and takes a write."""
    from booty_provider_nats.looking import look

    return await look(instance)


@hookimpl
async def bootstrap(service: Service) -> None:
    """Make the declared streams, consumers, key-value and object buckets."""
    from booty_provider_nats.making import make_all

    await make_all(service)


@hookimpl
async def drift(service: Service) -> Sequence[str]:
    """Compare streams, consumers and buckets of a running server with what is declared."""
    from booty_provider_nats.drifting import differences

    return await differences(service)


@hookimpl
async def reload(instance: Instance) -> bool:
    """Let the server read its file again, and learn whether it took it."""
    from booty_provider_nats.members import reread

    return await reread(instance)


@hookimpl
async def drain(instance: Instance, leaving: bool) -> str | None:
    """Have copies of streams made elsewhere before a server leaves; lame duck comes after it."""
    from booty_provider_nats.members import moved

    return await moved(instance) if leaving else None


@hookimpl
async def leave(instance: Instance) -> None:
    """Take a server out of its cluster for good; its streams move to the others."""
    from booty_provider_nats.members import remove

    await remove(instance)


@hookimpl
async def migrate(service: Service, old: Service, new: Service) -> None:
    """Refuse what would leave messages behind, and say how it is done."""
    from booty_provider_nats.members import change_size

    await change_size(service.name, old, new)


@hookimpl
@asynccontextmanager
async def client(instance: Instance) -> AsyncIterator[Client]:
    """Give a connected nats-py client with the caller's own user."""
    from booty_provider_nats.session import client_of

    async with client_of(instance) as connection:
        yield connection


@hookimpl
async def backup(service: Service, out: str) -> None:
    """Write every stream of the application's account to a folder."""
    from booty_provider_nats.snapshots import save

    await save(service.instances[0], out)


@hookimpl
async def restore(service: Service, source: str) -> None:
    """Put back what ``backup`` wrote; streams that exist already are left alone and named."""
    from booty_provider_nats.snapshots import load

    await load(service.instances[0], source)
