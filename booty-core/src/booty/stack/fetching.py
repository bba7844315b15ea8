"""Getting programs without starting anything, and the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from booty import config, fetch, plan, providers
from booty.errors import BootyError, BootyErrors, ProviderError, from_data, raise_all
from booty.model.platform import Platform
from booty.model.stack import ServiceSpec, StackSpec
from booty.stack import access, plans, programs
from booty.stack.choice import Choice
from booty.stack.left_out import needed
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from booty.fetch import Lock, Tell
    from booty.fetch.access import Access
    from booty.model.plan import Artifact, ArtifactWish
    from booty.providers import Provider
    from booty.stack.place import Place

__all__ = [
    "Wanted",
    "fetch_all",
    "fetch_loose",
    "fetch_named",
    "keeping",
    "loose",
    "refuse_drift",
    "resolved",
    "wanted",
]


@frozen(kw_only=True)
class Wanted:
    """The programs of services, as the file and the lock have them.

    Attributes:
        spec: the part of the file that is asked for.
        known: its providers by name.
        wishes: its programs at exact versions.
        lock: booty.lock as it stands.
        kept: the lock without what no service of the file uses any more.
        access: how publishers are asked.
    """

    spec: StackSpec
    known: Mapping[str, Provider]
    wishes: tuple[ArtifactWish, ...]
    lock: Lock
    kept: Lock
    access: Access


def wanted(
    place: Place,
    names: Sequence[str] = (),
    *,
    accept: Collection[str] = (),
    merging: bool = False,
) -> Wanted:
    """Return the programs of services, all for none.

    Args:
        place: the stack.
        names: services or instances.
        accept: services or components whose withdrawn versions are taken.
        merging: take both sides of a lock that version control could not merge.

    Raises:
        BootyError, BootyErrors: the file or the lock is wrong.
    """
    spec = config.load(place.file, profiles=plans.profiles(place))
    spec = evolve(spec, services={**spec.services, **plan.tools(spec)})
    asked = needed(spec, Choice(names=tuple(names)))
    part = evolve(spec, services={name: spec.services[name] for name in sorted(asked)})
    lock = fetch.Lock.read(place.lock, merging=merging)
    known = _loaded(part)
    wishes = resolved(part, known, lock.versions, accept)
    # another profile may use another version
    kept = lock if names or spec.profiles else keeping(lock, wishes, spec)
    return Wanted(
        spec=part,
        known=known,
        wishes=wishes,
        lock=lock,
        kept=kept,
        access=access.of(spec, place.id),
    )


def keeping(lock: Lock, wishes: Iterable[ArtifactWish], spec: StackSpec) -> Lock:
    """Return a lock without what no service uses any more.

    Args:
        lock: as it is.
        wishes: the programs of all services.
        spec: the file; its other profiles may use other components.
    """
    return lock.keeping({wish.key for wish in wishes}, only=not spec.variants)


def fetch_all(
    place: Place,
    names: Sequence[str],
    tell: Tell,
    *,
    accept: Collection[str] = (),
    merging: bool = False,
    frozen: bool = False,
    bundle: str = "",
) -> tuple[dict[str, Artifact], Lock]:
    """Get the programs of services (all for none) into the store; returns the lock as it would be.

    Args:
        place: the stack.
        names: services or instances.
        tell: told of progress.
        accept: services or components whose withdrawn versions are taken.
        merging: take both sides of a lock that version control could not merge.
        frozen: take only what the lock holds, and refuse if it would have to change.
        bundle: path of a bundle that takes the place of every network; empty = none.

    Raises:
        BootyError, BootyErrors: a program cannot be had, or the file is wrong.
    """
    asked = wanted(place, names, accept=accept, merging=merging)
    if frozen:
        refuse_drift(asked)
    with programs.opened(bundle) as opened:
        found, lock = programs.get(
            asked.wishes,
            asked.known,
            asked.lock,
            mirrors=asked.spec.mirrors,
            access=asked.access,
            tell=tell,
            keep_to_lock=frozen,
            bundle=opened,
        )
    if asked.kept is not asked.lock:
        lock = keeping(lock, asked.wishes, asked.spec)
    return found, lock


def refuse_drift(asked: Wanted) -> None:
    """Refuse a lock that would have to change; nothing is fetched.

    Raises:
        ConfigError, BootyErrors: it would.
    """
    fetch.refuse_drift(asked.wishes, asked.lock, Platform.current(), asked.kept)


def fetch_named(
    place: Place,
    names: Sequence[str],
    tell: Tell,
    *,
    accept: Collection[str] = (),
    frozen: bool = False,
    bundle: str = "",
) -> dict[str, Artifact]:
    """Get the programs of services into the store and write the lock.

    Raises:
        BootyError, BootyErrors: likewise.
    """
    found, lock = fetch_all(place, names, tell, accept=accept, frozen=frozen, bundle=bundle)
    lock.write(place.lock)
    return found


def fetch_loose(
    place: Place | None, names: Sequence[str], tell: Tell, accept: Collection[str] = ()
) -> dict[str, Artifact]:
    """Get programs into the store beside every stack; no lock is read or written.

    Args:
        place: the stack whose services and mirrors count, if there is one.
        names: ``NAME`` or ``NAME@VERSION``, of a service or a component.
        tell: told of progress.
        accept: services or components whose withdrawn versions are taken.

    Raises:
        BootyError, BootyErrors: a program cannot be had, or there is no such name or version.
    """
    asked = loose(place, names, accept)
    return programs.get(
        asked.wishes,
        asked.known,
        asked.lock,
        mirrors=asked.spec.mirrors,
        access=asked.access,
        tell=tell,
    )[0]


def loose(place: Place | None, names: Sequence[str], accept: Collection[str] = ()) -> Wanted:
    """Return programs beside every stack, with an empty lock.

    Args:
        place: the stack whose services and mirrors count, if there is one.
        names: ``NAME`` or ``NAME@VERSION``, of a service or a component.
        accept: services or components whose withdrawn versions are taken.

    Raises:
        BootyError, BootyErrors: there is no such name or version.
    """
    spec = config.load(place.file, profiles=plans.profiles(place)) if place else _nowhere()
    spec = evolve(spec, services={**spec.services, **plan.tools(spec)})
    asked = [_asked(spec, name) for name in names]
    known = {key: one for part in asked for key, one in _loaded(part).items()}
    wishes = {wish.key: wish for part in asked for wish in resolved(part, known, {}, accept)}
    empty = fetch.Lock()
    return Wanted(
        spec=spec,
        known=known,
        wishes=tuple(wishes.values()),
        lock=empty,
        kept=empty,
        access=access.of(spec, place.id if place else ""),
    )


def _nowhere() -> StackSpec:
    own = config.user()
    return StackSpec(name="", root="", state_dir="", mirrors=own.mirrors, tokens=own.tokens)


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


def resolved(
    spec: StackSpec,
    known: Mapping[str, Provider],
    locked: Mapping[str, Collection[str]],
    accept: Collection[str] = (),
) -> tuple[ArtifactWish, ...]:
    """Return the programs of services at exact versions; faults name their place in the file.

    Raises:
        BootyError, BootyErrors: as :func:`booty.plan.resolve`.
    """
    try:
        return plan.resolve(spec, known, locked, accept)
    except (BootyError, BootyErrors) as error:
        faults = error.faults if isinstance(error, BootyErrors) else (error,)
        raise_all([config.placed(one, spec) for one in faults])
        raise


def _loaded(spec: StackSpec) -> dict[str, Provider]:
    uses = {one.use.partition("/")[0] for one in spec.services.values()}
    return {name: providers.load(name) for name in sorted(uses)}
