"""Tally for booty: declares the server, says how it is started, counts through its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from attrs import frozen
from booty import (
    Component,
    Health,
    Instance,
    Interface,
    Launch,
    Module,
    Port,
    Probe,
    Resource,
    SecretNeed,
    Service,
    hookimpl,
)

if TYPE_CHECKING:
    from booty_provider_tally.client import Client

BOOTY_API = 1
LOOK = 1.0
"""Seconds that a look at a server's health may take."""


@frozen(kw_only=True)
class Settings:
    """``settings`` in booty.toml.

    Attributes:
        sync: whether every change is forced to the disk before it is answered.
    """

    sync: bool = False


@frozen(kw_only=True)
class Counter:
    """One entry of ``counters``; it has no options of its own yet."""


@hookimpl
def components() -> tuple[Component, ...]:
    """Declare the one program of this provider."""
    return (
        Component(
            id="tally",
            program="tally",
            summary="Counts things, and writes them down.",
            versions=("1.0.0",),
            sources=(
                Module(module="booty_provider_tally.server", distribution="booty-provider-tally"),
            ),
            ports=(Port("main", 7410, "tally"),),
            offers=(Interface(name="tally", port="main", url="tally://:{password}@{host}:{port}"),),
            settings=Settings,
            resources=(Resource(key="counters", entry=Counter, listed=True),),
            secrets=(SecretNeed(name="password"),),
            ready=Probe(tcp="main", first_bytes="TALLY"),
        ),
    )


@hookimpl
def configure(instance: Instance) -> Launch:
    """Say how a tally is started; the password travels in a variable, never in an argument."""
    main = instance.endpoints["main"]
    argv = (
        *(instance.program, *instance.program_args),
        *("--host", main.bind, "--port", str(main.port), "--data", instance.dirs.data),
        *(("--sync",) if instance.settings.sync else ()),
    )
    return Launch(argv=argv, env={"TALLY_PASSWORD": instance.secrets["password"]})


@hookimpl
async def health(instance: Instance) -> Health:
    """Good = it lets us in and answers, within a second."""
    from asyncio import timeout

    from booty_provider_tally.client import Client

    try:
        async with timeout(LOOK), Client.of(instance) as tally:
            await tally.names()
    except OSError as error:  # a TimeoutError is one
        return Health(alive=False, ready=False, good=False, reason=str(error))
    return Health(alive=True, ready=True, good=True)


@hookimpl
async def bootstrap(service: Service) -> None:
    """Make the declared counters; those that exist keep their value."""
    from booty_provider_tally.client import Client

    for instance in service.instances:
        async with Client.of(instance) as tally:
            for name in instance.resources.get("counters", {}):
                await tally.make(name)


@hookimpl
@asynccontextmanager
async def client(instance: Instance) -> AsyncIterator[Client]:
    """Give a connected client."""
    from booty_provider_tally.client import Client

    async with Client.of(instance) as tally:
        yield tally
