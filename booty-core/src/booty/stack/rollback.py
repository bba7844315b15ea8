"""Back to the lock with which the stack was ready before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from booty import fetch
from booty.errors import BootyError, ConfigError, from_data, raise_all
from booty.stack import fetching
from booty.supervise import kept, state
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from booty.fetch import Lock
    from booty.stack.fetching import Wanted
    from booty.stack.place import Place

__all__ = ["Rollback", "former"]


@frozen(kw_only=True)
class Rollback:
    """What going back means.

    Attributes:
        lock: booty.lock as it will be.
        moves: versions by component, as they are and as they will be; empty = there is none.
    """

    lock: Lock
    moves: Mapping[str, tuple[str, str]]


def former(place: Place, name: str = "") -> Rollback:
    """Find the newest kept lock that has other versions than booty.lock, of all or of a service.

    Args:
        place: the stack.
        name: a service or component whose part alone goes back; empty = everything.

    Raises:
        ConfigError: there is no former lock, or booty.toml asks for other versions than it holds.
        BootyErrors: it does so in several places.
    """
    asked = fetching.wanted(place)
    part = _part(asked, name)
    now = {one: asked.lock.versions.get(one, ()) for one in part}
    for lock in _kept(place):
        versions = {one: lock.versions.get(one, ()) for one in part}
        if any(versions[one] and versions[one] != now[one] for one in part):
            found = Rollback(lock=_laid(asked.lock, lock, part), moves=dict(_moves(now, versions)))
            raise_all([*_unfit(asked, found.lock, part)])
            return found
    what = f'"{name}"' if name else "the stack"
    raise ConfigError(
        f"cannot roll back {what}: it was ready with no other versions than these",
        reference="no-former-lock",
        subject=name or None,
        hint="take booty.lock from version control, then booty up",
    )


def _part(asked: Wanted, name: str) -> set[str]:
    own = {one.component_id for one in asked.wishes if not one.binary}
    if not name:
        return own
    if name in own:
        return {name}
    if name in asked.spec.services:
        alone = evolve(asked.spec, services={name: asked.spec.services[name]})
        found = fetching.resolved(alone, asked.known, asked.lock.versions)
        return {one.component_id for one in found if not one.binary}
    known = [*asked.spec.services, *sorted(own)]
    raise from_data(no_such(name, known, "service or component").data)


def _kept(place: Place) -> Iterator[Lock]:
    for path in reversed(kept.kept(state.Folder(place.state))):
        try:
            yield fetch.Lock.read(Path(path))
        except BootyError:
            continue  # damaged: the one before may do


def _laid(now: Lock, before: Lock, part: Collection[str]) -> Lock:
    old = {key: one for key, one in before.programs.items() if key.partition("@")[0] in part}
    went_back = {key.partition("@")[0] for key in old}
    rest = {key: one for key, one in now.programs.items() if key.partition("@")[0] not in went_back}
    return evolve(now, programs={**rest, **old})


def _moves(
    now: Mapping[str, tuple[str, ...]], before: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, str]]]:
    for component in sorted(before):
        if before[component] and before[component] != now[component]:
            yield component, (", ".join(now[component]), ", ".join(before[component]))


def _unfit(asked: Wanted, lock: Lock, part: Collection[str]) -> Iterator[ConfigError]:
    for wish in fetching.resolved(asked.spec, asked.known, lock.versions):
        if wish.component_id in part and not wish.binary and wish.key not in lock.programs:
            held = ", ".join(lock.versions.get(wish.component_id, ())) or "none"
            out = "" if wish.component_id.startswith("program/") else ", or leave version out"
            yield ConfigError(
                f'cannot roll back "{wish.component_id}": booty.toml asks for version'
                f" {wish.version}, the former lock has {held}",
                reference="rollback-unfit",
                subject=wish.component_id,
                hint=f'write version = "{held}"{out}',
            )
