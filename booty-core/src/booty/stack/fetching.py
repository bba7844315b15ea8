"""Getting a stack's programs without starting anything, and its lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty import config, fetch, paths, plan, providers
from booty.model.platform import Platform
from booty.stack import plans
from booty.stack.choice import Choice
from booty.stack.left_out import needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booty.fetch import Lock, Tell
    from booty.model.plan import Artifact
    from booty.stack.place import Place

__all__ = ["fetch_all", "fetch_named"]


def fetch_all(place: Place, names: Sequence[str], tell: Tell) -> tuple[dict[str, Artifact], Lock]:
    """Get the programs of services (all for none) into the store; returns the lock as it would be.

    Raises:
        BootyError, BootyErrors: a program cannot be had, or the file is wrong.
    """
    spec = config.load(place.file, profiles=plans.profiles(place))
    wanted = needed(spec, Choice(names=tuple(names)))
    uses = {spec.services[name].use.partition("/")[0] for name in wanted}
    known = {name: providers.load(name) for name in sorted(uses)}
    from attrs import evolve

    chosen = evolve(spec, services={name: spec.services[name] for name in sorted(wanted)})
    lock = fetch.Lock.read(place.lock)
    wishes = plan.resolve(chosen, known, lock.versions)
    return fetch.ensure(
        wishes,
        platform=Platform.current(),
        lock=lock,
        store=fetch.Store(paths.store()),
        mirrors=spec.mirrors,
        tell=tell,
    )


def fetch_named(place: Place, names: Sequence[str], tell: Tell) -> dict[str, Artifact]:
    """Get the programs of services into the store and write the lock.

    Raises:
        BootyError, BootyErrors: likewise.
    """
    found, lock = fetch_all(place, names, tell)
    lock.write(place.lock)
    return found
