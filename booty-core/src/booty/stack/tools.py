"""Command-line programs by their names: a service's, a component's, or one that came with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from booty import config, fetch, paths, plan, providers
from booty.errors import FetchError, ProviderError, from_data
from booty.model.platform import Platform
from booty.model.stack import ServiceSpec, StackSpec
from booty.stack import access, fetching, plans, programs
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booty.fetch import Lock, Tell
    from booty.fetch.access import Access
    from booty.model.plan import Artifact, ArtifactWish
    from booty.providers import Provider
    from booty.stack.place import Place

__all__ = ["Tool", "argv", "find", "get", "there"]


@frozen(kw_only=True)
class Tool:
    """A program that somebody asks for by name.

    Attributes:
        name: as it was asked for, without a version.
        wish: the program that it is, or that it comes with.
        beside: whether it is another executable of that program's archive.
        known: the provider of the program, by name.
        lock: what is locked of it.
        mirrors: base URLs by host.
        access: how publishers are asked.
        place: the stack whose lock it belongs to; ``None`` for one beside every stack.
    """

    name: str
    wish: ArtifactWish
    beside: bool
    known: Mapping[str, Provider]
    lock: Lock
    mirrors: Mapping[str, str]
    access: Access
    place: Place | None = None


def find(place: Place | None, text: str) -> Tool:
    """Find out what ``BINARY[@VERSION]`` means.

    In this order: a service or tool of the stack; the program or component of one; another
    executable in the archive of one that is in the store; a component of an installed provider, or
    its program.

    Args:
        place: the stack; ``None`` = there is none.
        text: the name, with a version behind ``@`` or without.

    Raises:
        BootyError, BootyErrors: there is no such program, or the file is wrong.
    """
    name, _, version = text.partition("@")
    spec = _spec(place)
    service = _service(spec, name) or _of_provider(name)
    lock = fetch.Lock.read(place.lock) if place else fetch.Lock()
    beside = service is None
    if service is None:
        service = _beside(spec, name, lock)
    if service is None:
        raise _unknown(spec, name)
    own = service.name in spec.services and not version
    if version:
        service, lock = evolve(service, version=version, binary=""), fetch.Lock()
    known = _known(service)
    (wish,) = _wishes(spec, service, known, lock, name)
    return Tool(
        name=name,
        wish=wish,
        beside=beside,
        known=known,
        lock=lock,
        mirrors=spec.mirrors,
        access=access.of(spec, place.id if place else ""),
        place=place if own else None,
    )


def there(tool: Tool) -> Artifact:
    """Return the program if it is on this machine; writes nothing.

    Raises:
        FetchError: it is not.
    """
    store = fetch.Store(paths.store())
    found = fetch.at_hand(tool.wish, platform=Platform.current(), lock=tool.lock, store=store)
    if found is None:
        named = tool.wish.key if tool.place is None else tool.name
        raise FetchError(
            f'cannot find "{tool.name}": {tool.wish.key} is not in the store',
            reference="not-fetched",
            subject=tool.name,
            hint=f"booty fetch {named}",
        )
    return found


def get(tool: Tool, tell: Tell) -> Artifact:
    """Get the program, and lock it if it belongs to the stack.

    Raises:
        BootyError, BootyErrors: it cannot be had.
    """
    found, lock = programs.get(
        [tool.wish], tool.known, tool.lock, mirrors=tool.mirrors, access=tool.access, tell=tell
    )
    key = tool.wish.key
    if tool.place is not None and key in lock.programs:
        # another command may have written it while this one fetched
        now = fetch.Lock.read(tool.place.lock)
        evolve(now, programs={**now.programs, key: lock.programs[key]}).write(tool.place.lock)
    return found[key]


def argv(tool: Tool, artifact: Artifact) -> list[str]:
    """Return how the program is called: its path, and arguments that belong right behind it.

    Raises:
        FetchError: the archive does not hold what was asked for.
    """
    folder = paths.store() / artifact.path
    if not tool.beside:
        return [str(folder / artifact.executable), *artifact.args]
    for one in _executables(folder):
        if one.name == tool.name:
            return [str(one)]
    raise FetchError(
        f'cannot find "{tool.name}" in {artifact.key}',
        reference="not-fetched",
        subject=tool.name,
        hint=f"it holds {', '.join(sorted(one.name for one in _executables(folder)))}",
    )


def _spec(place: Place | None) -> StackSpec:
    if place is None:
        own = config.user()
        return StackSpec(name="", root="", state_dir="", mirrors=own.mirrors, tokens=own.tokens)
    spec = config.load(place.file, profiles=plans.profiles(place))
    services = {name: one for name, one in spec.services.items() if one.enabled}
    return evolve(spec, services={**services, **plan.tools(spec)})


def _service(spec: StackSpec, name: str) -> ServiceSpec | None:
    if name in spec.services:
        return spec.services[name]
    for service, wish in _all(spec):
        if name in {wish.component.program, wish.component.id}:
            return service
    return None


def _all(spec: StackSpec) -> Iterator[tuple[ServiceSpec, ArtifactWish]]:
    for service in spec.services.values():
        for wish in _wishes(spec, service, _known(service), fetch.Lock()):
            yield service, wish


def _known(service: ServiceSpec) -> dict[str, Provider]:
    name = service.use.partition("/")[0]
    return {name: providers.load(name)}


def _wishes(
    spec: StackSpec,
    service: ServiceSpec,
    known: Mapping[str, Provider],
    lock: Lock,
    name: str = "",
) -> list[ArtifactWish]:
    part = evolve(spec, services={service.name: service})
    found = list(fetching.resolved(part, known, lock.versions))
    if not name:
        return found
    named = [one for one in found if name in {one.component.program, one.component.id}]
    if not (named or found):
        raise FetchError(
            f'cannot get "{name}": it runs a command of yours, and has no source',
            reference="nothing-to-fetch",
            subject=name,
            hint="write source = { … } to it",
        )
    return (named or found)[:1]


def _of_provider(name: str) -> ServiceSpec | None:
    for one in sorted(providers.installed()):
        try:
            components = providers.load(one).components
        except ProviderError:
            continue  # a broken one is nobody's program
        for found in components.values():
            if found.sources and name in {found.id, found.program}:
                return ServiceSpec(name=found.id.replace("/", "-"), use=found.id)
    return None


def _beside(spec: StackSpec, name: str, lock: Lock) -> ServiceSpec | None:
    store = fetch.Store(paths.store())
    for service in spec.services.values():
        for wish in _wishes(spec, service, _known(service), lock):
            platform = Platform.current()
            found = fetch.stored(wish, platform=platform, lock=lock, store=store)
            if found and any(one.name == name for one in _executables(store.root / found.path)):
                return service
    return None


def _executables(folder: Path) -> Iterator[Path]:
    for one in sorted(folder.rglob("*")):
        if one.is_file() and os.access(one, os.X_OK):
            yield one


def _unknown(spec: StackSpec, name: str) -> Exception:
    known = [*spec.services, *providers.installed()]
    return from_data(no_such(name, known, "program").data)
