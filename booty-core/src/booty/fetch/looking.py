"""What every source of a program says of it now; nothing is taken and nothing written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from booty import paths
from booty.errors import BootyError
from booty.fetch.access import OPEN, Access
from booty.fetch.getting import order, stored
from booty.fetch.request import Look, Refused, Request
from booty.fetch.sources import driver

if TYPE_CHECKING:
    from booty.fetch.lock import Lock
    from booty.fetch.store import Store
    from booty.model.plan import ArtifactWish
    from booty.model.platform import Platform
    from booty.model.source import Source

__all__ = ["Outlook", "outlooks"]

AT_ONCE: Final = 16
"""Sources that are asked side by side; a look costs no more than waiting."""
_TRUST: Final[Mapping[str, str]] = {
    "module": "installed distribution",
    "on-path": "yours",
    "go": "Go checksum database",
    "deb": "apt's signatures",
}
"""What vouches for programs of sources that do not say it themselves."""


@frozen(kw_only=True)
class Outlook:
    """A source of a program, and what it says.

    Attributes:
        wish: the program.
        source: name of the source.
        kind: its kind.
        look: what it says.
        locked: whether the lock names it.
        stored: whether the program is in the store, from it.
        taken: whether the program would be taken from it now.
    """

    wish: ArtifactWish
    source: str
    kind: str
    look: Look
    locked: bool = False
    stored: bool = False
    taken: bool = False


def outlooks(
    wishes: Iterable[ArtifactWish],
    *,
    platform: Platform,
    lock: Lock,
    store: Store,
    mirrors: Mapping[str, str],
    access: Access = OPEN,
) -> list[Outlook]:
    """Ask every source of every program, all side by side.

    Args:
        wishes: the programs.
        platform: of the host.
        lock: what was taken before.
        store: where programs are kept.
        mirrors: base URLs by host.
        access: how publishers are asked.

    Returns:
        By program, in the order in which the sources would be tried.
    """
    asked = [(wish, source) for wish in wishes for source in _all(wish, lock, platform)]
    requests = {
        wish.key: Request(
            wish=wish,
            platform=platform,
            store=store,
            downloads=paths.cache(),
            mirrors=mirrors,
            access=access,
        )
        for wish, _ in asked
    }
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        looks = list(pool.map(lambda one: _look(one[1], requests[one[0].key], lock), asked))
    found = [
        Outlook(
            wish=wish,
            source=source.name,
            kind=source.kind,
            look=look,
            locked=any(one.source == source.name for one in lock.of(wish.key, str(platform))),
        )
        for (wish, source), look in zip(asked, looks, strict=True)
    ]
    return _chosen(found, platform, lock, store)


def _all(wish: ArtifactWish, lock: Lock, platform: Platform) -> list[Source]:
    known = {one.source: one for one in lock.of(wish.key, str(platform))}
    can = order(wish, known)
    return [*can, *(one for one in wish.component.sources if one not in can and not wish.binary)]


def _look(source: Source, request: Request, lock: Lock) -> Look:
    wish = request.wish
    if source.versions and wish.version not in source.versions:
        return Look(can=False, why=f"it has {', '.join(source.versions)} only", gone=True)
    locked = {one.source: one for one in lock.of(wish.key, str(request.platform))}
    asked = evolve(request, locked=locked.get(source.name), anew=True, looks=True)
    known = driver(source.kind)
    trust = _TRUST.get(source.kind, "")
    try:
        if hasattr(known, "look"):
            found: Look = known.look(source, asked)
            return found
        known.probe(source, asked)
    except Refused as error:
        return Look(can=False, why=str(error), trust=trust)
    except BootyError as error:
        return Look(can=False, why=error.message, trust=trust)
    return Look(can=True, trust=trust)


def _chosen(found: list[Outlook], platform: Platform, lock: Lock, store: Store) -> list[Outlook]:
    taken: dict[str, str] = {}
    held: dict[str, str] = {}
    for one in found:
        key, wish = one.wish.key, one.wish
        if key not in held:
            there = None
            if not wish.binary:
                there = stored(wish, platform=platform, lock=lock, store=store)
            held[key] = there.source if there else ""
        pinned = wish.source in {"", one.source}
        if key not in taken and pinned and (one.look.can or held[key] == one.source):
            taken[key] = one.source
    taken |= {key: source for key, source in held.items() if source}
    return [
        evolve(
            one,
            stored=held[one.wish.key] == one.source,
            taken=taken.get(one.wish.key) == one.source,
        )
        for one in found
    ]
