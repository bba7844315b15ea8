"""Folders that objects lie in: those of the user must be there, and none is swapped quietly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from booty import ConfigError, Problem

from booty_provider_minio.events import LINK, OWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from booty import Instance, Service, ServiceSpec

__all__ = ["folders", "missing", "refuse_others", "unqueued"]


def folders(instance: Instance) -> tuple[str, ...]:
    """Return the folders of an instance's drives."""
    if instance.settings.paths:
        return tuple(instance.settings.paths)
    count = instance.settings.drives
    names = [f"drive{number}" for number in range(1, count + 1)] if count > 1 else ["drive"]
    return tuple(f"{instance.dirs.data}/{name}" for name in names)


def missing(services: Sequence[ServiceSpec]) -> Iterator[Problem]:
    """Yield a problem for each folder of the user's own that is not there.

    MinIO would make the whole path, and a mistyped one would be an empty store.
    """
    for service in services:
        paths = service.settings.get("paths", ())
        for path in paths if isinstance(paths, (list, tuple)) else ():
            if not Path(str(path)).is_dir():
                yield Problem(
                    id="minio-drive",
                    level="error",
                    message=f'the drive "{path}" of {service.name} is no folder that is there',
                    fix=f"mount it, or change settings.paths of [services.{service.name}]",
                )


def unqueued(services: Sequence[ServiceSpec], own: str = OWN) -> Iterator[Problem]:
    """Yield a problem for each cluster that cannot keep its events on this machine.

    Args:
        services: the provider's.
        own: what each server calls the folder in which it runs.
    """
    for service in services:
        listed = service.settings.get("events-way") == "listing"
        tells = LINK in service.extra and not listed
        if tells and (service.replicas or 1) > 1 and not Path(own).is_dir():
            yield Problem(
                id="minio-events",
                level="error",
                message=f'the servers of {service.name} can keep no events: no "{own}" here',
                fix=f'write events-way = "listing" in settings of [services.{service.name}]',
            )


def refuse_others(name: str, old: Service, new: Service) -> None:
    """Refuse a change of drives or servers: what is on the old ones would not be found.

    Raises:
        ConfigError: always, but where nothing is changed; the hint says how it is done by hand.
    """
    there, wished = ([folders(one) for one in service.instances if not one.role]
                     for service in (old, new))  # fmt: skip
    before, after = (sum(map(len, found)) for found in (there, wished))
    if there == wished:
        return
    raise ConfigError(
        f'cannot spread "{name}" over {after} drives: its objects are on {before} others',
        reference="minio-drives",
        subject=f"services.{name}",
        hint=f"booty backup {name} OUT, booty destroy {name}, booty up, booty restore {name} OUT",
    )
