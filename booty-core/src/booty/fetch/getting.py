"""Getting programs: the store first, locked sources before others, all programs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from attrs import evolve

from booty import paths
from booty.errors import BootyError, FetchError, VerifyError, raise_all
from booty.fetch.lock import Lock, Locked
from booty.fetch.progress import Progress, Tell, silent
from booty.fetch.sources import Refused, Request, driver
from booty.model.source import Module, OnPath, Source

if TYPE_CHECKING:
    from booty.fetch.store import Store
    from booty.model.plan import Artifact, ArtifactWish
    from booty.model.platform import Platform

__all__ = ["at_hand", "ensure", "stored"]

AT_ONCE: Final = 4
"""Programs that are fetched side by side."""


def ensure(
    wishes: Iterable[ArtifactWish],
    *,
    platform: Platform,
    lock: Lock,
    store: Store,
    mirrors: Mapping[str, str] | None = None,
    tell: Tell = silent,
) -> tuple[dict[str, Artifact], Lock]:
    """Get every program: from the store, else from the first source that can serve.

    Args:
        wishes: the programs.
        platform: of the host.
        lock: what was taken before; its sources are tried first.
        store: where programs are kept.
        mirrors: base URLs by host.
        tell: told of progress, from several threads.

    Returns:
        Artifacts by key, and the lock with what was taken.

    Raises:
        FetchError: a program cannot be had; the message names every source and why not.
        VerifyError: something that came is not what was promised.
        BootyErrors: several of these.
    """
    asked = list(wishes)
    request = {
        wish.key: Request(
            wish=wish,
            platform=platform,
            store=store,
            downloads=paths.cache() / "downloads",
            mirrors=mirrors or {},
            tell=tell,
        )
        for wish in asked
    }
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        pending = {key: pool.submit(_one, one, lock) for key, one in request.items()}
    faults = [error for one in pending.values() if isinstance(error := one.exception(), BootyError)]
    raise_all(faults)
    found = {key: one.result() for key, one in pending.items()}
    for wish in asked:
        if not wish.binary:
            lock = lock.adding(wish.component.id, found[wish.key])
    return found, lock


def stored(wish: ArtifactWish, *, platform: Platform, lock: Lock, store: Store) -> Artifact | None:
    """Return a wish's artifact if the store has what the lock says; no network, no check."""
    known = lock.of(wish.component.id, wish.version, str(platform))
    for one in known:
        found = store.find(wish.key, str(platform), one.digest)
        if found and wish.source in {"", found.source}:
            return found
    if known:
        return None
    found = store.find(wish.key, str(platform))
    return found if found and wish.source in {"", found.source} else None


def at_hand(wish: ArtifactWish, *, platform: Platform, lock: Lock, store: Store) -> Artifact | None:
    """Return what :func:`ensure` would take for a wish without a network; writes nothing."""
    found = None if wish.binary else stored(wish, platform=platform, lock=lock, store=store)
    if found:
        return found
    known = {one.source: one for one in lock.of(wish.component.id, wish.version, str(platform))}
    request = Request(
        wish=wish, platform=platform, store=store, downloads=paths.cache(), mirrors={}, tell=silent
    )
    for source in _order(wish, known):
        if not isinstance(source, (Module, OnPath)):
            return None  # only a try would tell whether it serves
        with suppress(Refused, FetchError):
            return driver(source.kind).get(source, evolve(request, locked=known.get(source.name)))
    return None


def _one(request: Request, lock: Lock) -> Artifact:
    wish = request.wish
    with request.store.locked(f"get-{wish.key.replace('/', '_')}"):
        if not wish.binary:
            found = stored(wish, platform=request.platform, lock=lock, store=request.store)
            if found:
                request.store.check(found)
                request.tell(Progress(key=wish.key, phase="stored", source=found.source))
                return found
        return _from_sources(request, lock)


def _from_sources(request: Request, lock: Lock) -> Artifact:
    wish = request.wish
    known = {
        one.source: one for one in lock.of(wish.component.id, wish.version, str(request.platform))
    }
    refusals: list[str] = []
    for source in _order(wish, known):
        asked = evolve(request, locked=known.get(source.name))
        request.tell(Progress(key=wish.key, phase="trying", source=source.name))
        try:
            driver(source.kind).probe(source, asked)
            found = driver(source.kind).get(source, asked)
        except VerifyError:
            raise
        except (Refused, FetchError) as error:
            refusals.append(f"{source.name}: {error}")
            note = str(error)
            request.tell(Progress(key=wish.key, phase="refused", source=source.name, note=note))
            continue
        note = f"{source.name}, {found.trust}"
        request.tell(Progress(key=wish.key, phase="done", source=source.name, note=note))
        return found
    raise _nobody(wish, refusals)


def _order(wish: ArtifactWish, known: Mapping[str, Locked]) -> list[Source]:
    if wish.binary:
        declared = [one for one in wish.component.sources if isinstance(one, OnPath)]
        return [*declared[:1]] or [OnPath()]
    can = [
        one for one in wish.component.sources if not one.versions or wish.version in one.versions
    ]
    if wish.source:
        return [one for one in can if one.name == wish.source]
    return sorted(can, key=lambda one: one.name not in known)


def _nobody(wish: ArtifactWish, refusals: list[str]) -> FetchError:
    names = ", ".join(one.name for one in wish.component.sources) or "none"
    why = "; ".join(refusals) or f'no source is called "{wish.source}" (there are: {names})'
    return FetchError(
        f'cannot get "{wish.key}": {why}',
        reference="no-source",
        subject=wish.key,
        hint="correct binary, or leave it out: then the program is fetched"
        if wish.binary
        else 'fill the store where there is a network, set a mirror, or use binary = "…"',
    )
