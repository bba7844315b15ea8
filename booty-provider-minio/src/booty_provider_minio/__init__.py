"""An S3 server for booty, by a choice of engines, with buckets and users made for you.

Only declarations and ``configure`` live at import time; aiobotocore is imported when a hook needs
it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from booty import (
    Component,
    Health,
    Instance,
    Launch,
    Problem,
    Role,
    Service,
    ServiceSpec,
    hookimpl,
)

from booty_provider_minio.component import COMPONENTS, roles
from booty_provider_minio.drives import missing, refuse_others, unqueued
from booty_provider_minio.launching import launch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

__all__ = ["BOOTY_API"]

BOOTY_API = 1


@hookimpl
def components() -> tuple[Component, ...]:
    """Declare one program for each engine."""
    return COMPONENTS


@hookimpl
def expand(service: ServiceSpec) -> tuple[Role, ...] | None:
    """One role, of the engine's component."""
    return roles(service)


@hookimpl
def preflight(services: Sequence[ServiceSpec]) -> tuple[Problem, ...]:
    """Look for folders that the user named as drives, and for a place for a cluster's events."""
    return (*missing(services), *unqueued(services))


@hookimpl
def configure(instance: Instance) -> Launch:
    """Say how a server is started, by its engine; refuse what that engine lacks."""
    return launch(instance)


@hookimpl
async def health(instance: Instance) -> Health:
    """Alive = it listens, ready = a signed request is answered, good = an object comes and goes."""
    from booty_provider_minio.looking import look

    return await look(instance)


@hookimpl
async def bootstrap(service: Service) -> None:
    """Make the declared buckets, users and policies, and a key for each consumer."""
    from booty_provider_minio.making import make_all

    await make_all(service)


@hookimpl
async def reload(instance: Instance) -> bool:
    """Say that versitygw reads its users by itself; no other engine is ever asked."""
    return instance.component == "minio/versitygw"


@hookimpl
async def migrate(service: Service, old: Service, new: Service) -> None:
    """Refuse other drives or servers while objects are on the old ones, and say how it is done."""
    refuse_others(service.name, old, new)


@hookimpl
async def drift(service: Service) -> Sequence[str]:
    """Compare buckets, keys and policies of a running server with what is declared."""
    from booty_provider_minio.drifting import differences

    return await differences(service)


@hookimpl
@asynccontextmanager
async def client(instance: Instance) -> AsyncIterator[Any]:
    """Give an aiobotocore S3 client with the caller's own key."""
    from booty_provider_minio.session import client_of

    async with client_of(instance) as connection:
        yield connection


@hookimpl
async def backup(service: Service, out: str) -> None:
    """Write every bucket to a folder, with former versions where the engine has them."""
    from booty_provider_minio.saving import save

    await save(service, out)


@hookimpl
async def restore(service: Service, source: str) -> None:
    """Put back what ``backup`` wrote; refused while one of the buckets holds something."""
    from booty_provider_minio.saving import load

    await load(service, source)
