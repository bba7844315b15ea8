"""``lock --upgrade``: from the locked versions to the newest tested ones that fit the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, define, evolve, frozen

from booty import fetch, paths
from booty.errors import from_data
from booty.model.platform import Platform
from booty.stack import fetching, programs
from booty.stack.fetching import Wanted
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from booty.fetch import Lock, Outlook, Tell
    from booty.model.plan import ArtifactWish
    from booty.stack.place import Place

__all__ = ["Move", "upgrade"]


@frozen(kw_only=True)
class Move:
    """What an upgrade does about one component.

    Attributes:
        component: as the lock knows it.
        old: locked versions that go; empty = none was locked.
        new: the version that comes; the old one if nothing changes.
        old_date: day on which the old one was published; empty = unknown.
        new_date: likewise of the new one.
        old_trust: what vouched for the old one.
        new_trust: what vouches for the new one.
        notes: what is to be said of either: withdrawn, vanished, newer ones that were passed over.
    """

    component: str
    old: str
    new: str
    old_date: str = ""
    new_date: str = ""
    old_trust: str = ""
    new_trust: str = ""
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether another version comes."""
        return self.old != self.new


@define(kw_only=True)
class _Upgrading:
    """One upgrade under way.

    Attributes:
        before: the programs as they are locked.
        components: what is upgraded.
        accept: services or components whose withdrawn versions are taken.
        passed: versions that are passed over, with the reason, by component and version.
        seen: what the sources said, by artifact key.
    """

    before: Wanted
    components: set[str]
    accept: Collection[str]
    passed: dict[str, dict[str, str]] = Factory(dict)
    seen: dict[str, list[Outlook]] = Factory(dict)

    def wishes(self) -> tuple[ArtifactWish, ...]:
        """Return the programs at the newest versions that fit and can be had."""
        while True:
            found = self._resolved()
            self._look(found)
            bad = [one for one in found if self._pass_over(one)]
            if not bad:
                return found

    def _resolved(self) -> tuple[ArtifactWish, ...]:
        locked = dict(self.before.lock.versions)
        for component in self.components:
            passed = self.passed.get(component, {})
            tested = _tested(self.before.wishes, component)
            locked[component] = tuple(one for one in tested if one not in passed)
        return fetching.resolved(self.before.spec, self.before.known, locked, self.accept)

    def _look(self, wishes: Iterable[ArtifactWish]) -> None:
        new = [one for one in wishes if self._is_new(one) and one.key not in self.seen]
        self.look(new)

    def look(self, wishes: Sequence[ArtifactWish]) -> None:
        """Ask the sources of programs."""
        self.seen |= {one.key: [] for one in wishes}
        for one in fetch.outlooks(
            wishes,
            platform=Platform.current(),
            lock=self.before.lock,
            store=fetch.Store(paths.store()),
            mirrors=self.before.spec.mirrors,
            access=self.before.access,
        ):
            self.seen[one.wish.key].append(one)

    def _is_new(self, wish: ArtifactWish) -> bool:
        own = wish.component_id in self.components and not wish.binary
        return own and wish.key not in self.before.lock.programs

    def _pass_over(self, wish: ArtifactWish) -> bool:
        why = _against(self.seen.get(wish.key, ())) if self._is_new(wish) else ""
        known = self.passed.setdefault(wish.component_id, {})
        # when all that fit were passed over the first comes again: what is asked for is tried
        if not why or wish.version in known or not wish.tested:
            return False
        known[wish.version] = why
        return True


def upgrade(
    place: Place, names: Sequence[str], tell: Tell, *, accept: Collection[str] = ()
) -> tuple[list[Move], Lock]:
    """Find, look at and fetch the newest tested versions that fit; returns the lock as it would be.

    Versions that were withdrawn, or that no source has, are passed over.

    Args:
        place: the stack.
        names: services, or components; none = all.
        tell: told of progress.
        accept: services or components whose withdrawn versions are taken.

    Raises:
        BootyError, BootyErrors: a program cannot be had, or the file is wrong.
    """
    before = fetching.wanted(place, accept=accept, merging=True)
    components = _components(before, names)
    under_way = _Upgrading(before=before, components=components, accept=accept)
    old = [one for one in before.wishes if one.component_id in under_way.components]
    under_way.look([one for one in old if one.key in before.lock.programs])
    wishes = under_way.wishes()
    _, lock = programs.get(
        wishes,
        before.known,
        before.lock,
        mirrors=before.spec.mirrors,
        access=before.access,
        tell=tell,
    )
    if before.kept is before.lock:  # another profile may use other versions of the rest
        rest = {key for key in lock.programs if key.partition("@")[0] not in components}
        lock = lock.keeping(rest | {one.key for one in wishes})
    else:
        lock = fetching.keeping(lock, wishes, before.spec)
    moves = [_move(under_way, component, wishes, lock) for component in sorted(components)]
    return moves, lock


def _components(before: Wanted, names: Sequence[str]) -> set[str]:
    locked = {one.component_id for one in before.wishes if not one.binary}
    found: set[str] = set()
    for name in names:
        if name in locked:
            found.add(name)
        elif name in before.spec.services:
            found |= {one.component_id for one in _of_service(before, name) if not one.binary}
        else:
            known = [*before.spec.services, *sorted(locked)]
            raise from_data(no_such(name, known, "service or component").data)
    return found if names else locked


def _of_service(asked: Wanted, service: str) -> Sequence[ArtifactWish]:
    alone = evolve(asked.spec, services={service: asked.spec.services[service]})
    return fetching.resolved(alone, asked.known, asked.lock.versions)


def _tested(wishes: Iterable[ArtifactWish], component: str) -> tuple[str, ...]:
    return next((one.component.versions for one in wishes if one.component_id == component), ())


def _against(looks: Sequence[Outlook]) -> str:
    """Return what speaks against taking a version; empty if a source has it."""
    if not looks or any(one.stored or (one.look.can and not one.look.withdrawn) for one in looks):
        return ""
    withdrawn = [one.look for one in looks if one.look.withdrawn]
    if withdrawn:
        return "" if withdrawn[0].can else withdrawn[0].why
    # who does not answer now may have it: the fetch will tell
    return "no source has it" if all(one.look.gone for one in looks) else ""


def _move(
    under_way: _Upgrading, component: str, wishes: Iterable[ArtifactWish], lock: Lock
) -> Move:
    before = under_way.before.lock
    olds = before.versions.get(component, ())
    news = [one.version for one in wishes if one.component_id == component]
    gone = [one for one in olds if one not in news]
    new = next((one for one in news if one not in olds), news[0] if news else "")
    old = gone[0] if gone else (new if new in olds else "")
    platform = str(Platform.current())
    return Move(
        component=component,
        old=old,
        new=new,
        old_date=_date(under_way.seen.get(f"{component}@{old}", ())),
        new_date=_date(under_way.seen.get(f"{component}@{new}", ())),
        old_trust=_trust(before, f"{component}@{old}", platform),
        new_trust=_trust(lock, f"{component}@{new}", platform),
        notes=tuple(_notes(under_way, component, old)),
    )


def _date(looks: Iterable[Outlook]) -> str:
    return next((one.look.date for one in looks if one.look.date), "")


def _trust(lock: Lock, key: str, platform: str) -> str:
    return ", ".join(dict.fromkeys(one.trust for one in lock.of(key, platform)))


def _notes(under_way: _Upgrading, component: str, old: str) -> Iterable[str]:
    if component.startswith("program/"):
        yield "its version is what booty.toml says"
    for version, why in under_way.passed.get(component, {}).items():
        yield f"{version} is passed over: {why}"
    for one in under_way.seen.get(f"{component}@{old}", ()) if old else ():
        if one.look.withdrawn:
            yield f"{old} from {one.source} was {one.look.why}"
        elif one.locked and one.look.gone:
            yield f"{old} has vanished from {one.source}: {one.look.why}"
