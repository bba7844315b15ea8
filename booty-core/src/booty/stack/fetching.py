"""Getting programs without starting anything, and the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from booty import config, fetch, plan, providers
from booty.errors import BootyError, BootyErrors, ProviderError, from_data, raise_all
from booty.model.stack import ServiceSpec, StackSpec
from booty.stack import plans, programs
from booty.stack.choice import Choice
from booty.stack.left_out import needed
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from booty.fetch import Lock, Tell
    from booty.model.plan import Artifact, ArtifactWish
    from booty.providers import Provider
    from booty.stack.place import Place

__all__ = ["fetch_all", "fetch_loose", "fetch_named"]


def fetch_all(place: Place, names: Sequence[str], tell: Tell) -> tuple[dict[str, Artifact], Lock]:
    """Get the programs of services (all for none) into the store; returns the lock as it would be.

    Raises:
        BootyError, BootyErrors: a program cannot be had, or the file is wrong.
    """
    spec = config.load(place.file, profiles=plans.profiles(place))
    wanted = needed(spec, Choice(names=tuple(names)))
    part = evolve(spec, services={name: spec.services[name] for name in sorted(wanted)})
    lock = fetch.Lock.read(place.lock)
    known = _loaded(part)
    wishes = _resolved(part, known, lock.versions)
    found, lock = programs.get(wishes, known, lock, mirrors=spec.mirrors, tell=tell)
    if not names and not spec.profiles:  # another profile may use another version
        lock = lock.keeping({wish.key for wish in wishes})
    return found, lock


def fetch_named(place: Place, names: Sequence[str], tell: Tell) -> dict[str, Artifact]:
    """Get the programs of services into the store and write the lock.

    Raises:
        BootyError, BootyErrors: likewise.
    """
    found, lock = fetch_all(place, names, tell)
    lock.write(place.lock)
    return found


def fetch_loose(place: Place | None, names: Sequence[str], tell: Tell) -> dict[str, Artifact]:
    """Get programs into the store beside every stack; no lock is read or written.

    Args:
        place: the stack whose services and mirrors count, if there is one.
        names: ``NAME`` or ``NAME@VERSION``, of a service or a component.
        tell: told of progress.

    Raises:
        BootyError, BootyErrors: a program cannot be had, or there is no such name or version.
    """
    spec = config.load(place.file, profiles=plans.profiles(place)) if place else _nowhere()
    asked = [_asked(spec, name) for name in names]
    known = {key: one for part in asked for key, one in _loaded(part).items()}
    wishes = {wish.key: wish for part in asked for wish in _resolved(part, known, {})}
    ready = tuple(wishes.values())
    return programs.get(ready, known, fetch.Lock(), mirrors=spec.mirrors, tell=tell)[0]


def _nowhere() -> StackSpec:
    return StackSpec(name="", root="", state_dir="", mirrors=config.user().mirrors)


def _asked(spec: StackSpec, text: str) -> StackSpec:
    name, _, version = text.partition("@")
    service = spec.services.get(name) or _of_component(name, spec)
    if version:
        service = evolve(service, version=version, binary="")
    return evolve(spec, services={service.name: service})


def _of_component(name: str, spec: StackSpec) -> ServiceSpec:
    try:
        _, found = providers.component(name)
    except ProviderError as error:
        if error.reference != "provider-missing":
            raise
        known = [*spec.services, *providers.installed()]
        raise from_data(no_such(name, known, "service or component").data) from error
    return ServiceSpec(name=name.replace("/", "-"), use=found.id)


def _resolved(
    spec: StackSpec, known: Mapping[str, Provider], locked: Mapping[str, Collection[str]]
) -> tuple[ArtifactWish, ...]:
    try:
        return plan.resolve(spec, known, locked)
    except (BootyError, BootyErrors) as error:
        faults = error.faults if isinstance(error, BootyErrors) else (error,)
        raise_all([config.placed(one, spec) for one in faults])
        raise


def _loaded(spec: StackSpec) -> dict[str, Provider]:
    uses = {one.use.partition("/")[0] for one in spec.services.values()}
    return {name: providers.load(name) for name in sorted(uses)}
