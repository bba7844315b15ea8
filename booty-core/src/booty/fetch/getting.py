"""Getting programs: the store first, locked sources before others, all programs side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from attrs import Factory, evolve, frozen

from booty import paths
from booty.errors import BootyError, FetchError, VerifyError, raise_all
from booty.fetch import _calls, assembled, listed
from booty.fetch.access import OPEN, Access
from booty.fetch.command import Stop
from booty.fetch.lock import Lock, Locked
from booty.fetch.progress import Progress, Tell, silent
from booty.fetch.request import Refused, Request
from booty.fetch.sources import driver
from booty.fetch.store import unwritable
from booty.model.source import Module, OnPath, Release, Source, Wheel

if TYPE_CHECKING:
    from pathlib import Path

    from booty.fetch.bundle import Bundle
    from booty.fetch.store import Store
    from booty.model.plan import Artifact, ArtifactWish
    from booty.model.platform import Platform

__all__ = ["at_hand", "ensure", "order", "stored"]


@frozen(kw_only=True)
class _Got:
    """A program that was had, and what its source said of other platforms."""

    artifact: Artifact
    others: Mapping[str, Locked] = Factory(dict)


BUNDLED: Final = (Release, Wheel, Module, OnPath)
"""Sources that need no network beside a bundle: it holds their files, or they are here already."""

AT_ONCE: Final = 4
"""Programs that are fetched side by side."""
AGAIN: Final = 0.05
"""Seconds between looks whether all that was interrupted has ended."""

TAKEN_BACK: Final = "booty lock --upgrade {0} takes another version; --accept NAME takes this one"
"""What to do about a version that its publisher has withdrawn."""
FULL: Final = "store-unwritable"
"""Reference of the fault of a disk that is full or read-only."""


def ensure(
    wishes: Iterable[ArtifactWish],
    *,
    platform: Platform,
    lock: Lock,
    store: Store,
    mirrors: Mapping[str, str] | None = None,
    access: Access = OPEN,
    tell: Tell = silent,
    keep_to_lock: bool = False,
    bundle: Bundle | None = None,
    keep: Path | None = None,
) -> tuple[dict[str, Artifact], Lock]:
    """Get every program: from the store, else from the first source that can serve.

    Args:
        wishes: the programs.
        platform: of the host.
        lock: what was taken before; its sources are tried first.
        store: where programs are kept.
        mirrors: base URLs by host.
        access: tokens for private releases by host, and patience.
        tell: told of progress, from several threads.
        keep_to_lock: ask no source that the lock does not name.
        bundle: takes the place of every network.
        keep: a folder in which what is downloaded is kept for a bundle.

    Returns:
        Artifacts by key, and the lock with what was taken.

    Raises:
        FetchError: a program cannot be had; the message names every source and why not.
        VerifyError: something that came is not what was promised.
        BootyErrors: several of these.
    """
    asked, stop = list(wishes), Stop()
    request = {
        wish.key: Request(
            wish=wish,
            platform=platform,
            store=store,
            downloads=paths.cache() / "downloads",
            mirrors=mirrors or {},
            access=evolve(access, patience=access.patience.until(stop.wait)),
            tell=_until(stop, tell),
            keep_to_lock=keep_to_lock,
            stop=stop,
            bundle=bundle,
            keep=keep,
        )
        for wish in asked
    }
    pending: dict[str, Future[_Got]] = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool, _interrupted(pool, pending, stop):
        pending |= {key: pool.submit(_one, one, lock) for key, one in request.items()}
        wait(pending.values())
    faults = [error for one in pending.values() if isinstance(error := one.exception(), BootyError)]
    raise_all(faults)
    found = {key: one.result() for key, one in pending.items()}
    for wish in asked:
        if not wish.binary:
            got = found[wish.key]
            fresh = not lock.of(wish.key, str(platform))  # what is locked stays as it is
            lock = lock.adding(got.artifact, got.others if fresh else {})
    return {key: one.artifact for key, one in found.items()}, lock


def _until(stop: Stop, tell: Tell) -> Tell:
    def telling(progress: Progress) -> None:
        stop.check()  # a download tells at every megabyte
        tell(progress)

    return telling


@contextmanager
def _interrupted(
    pool: ThreadPoolExecutor, pending: Mapping[str, Future[_Got]], stop: Stop
) -> Iterator[None]:
    # ctrl-C comes to this thread alone: the others would go on to their end
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stop.now()
        while under_way := [one for one in pending.values() if one.running()]:
            _calls.break_off()  # again and again: one may have been about to ask
            wait(under_way, AGAIN)
        raise


def stored(wish: ArtifactWish, *, platform: Platform, lock: Lock, store: Store) -> Artifact | None:
    """Return a wish's artifact if the store has what the lock says; no network, no check."""
    known = lock.of(wish.key, str(platform))
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
    known = {one.source: one for one in lock.of(wish.key, str(platform))}
    request = Request(
        wish=wish, platform=platform, store=store, downloads=paths.cache(), mirrors={}, tell=silent
    )
    for source in order(wish, known):
        if not isinstance(source, (Module, OnPath)):
            return None  # only a try would tell whether it serves
        with suppress(Refused, FetchError):
            return driver(source.kind).get(source, evolve(request, locked=known.get(source.name)))
    return None


def _one(request: Request, lock: Lock) -> _Got:
    wish = request.wish
    held = _held(request, lock)  # whole or not there: no lock is needed, a store may be read-only
    if held:
        return _stored(request, held)

    def waits() -> None:
        request.tell(Progress(key=wish.key, phase="waiting", note="another booty fetches it"))

    with request.store.locked(f"get-{wish.key.replace('/', '_')}", waits, request.stop.wait):
        found = _held(request, lock)
        return _stored(request, found) if found else _from_sources(request, lock)


def _stored(request: Request, held: Artifact) -> _Got:
    return _Got(artifact=held, others=listed.recall(request.store.root, held))


def _held(request: Request, lock: Lock) -> Artifact | None:
    if request.wish.binary:
        return None
    found = stored(request.wish, platform=request.platform, lock=lock, store=request.store)
    if found:
        request.store.check(found)
        request.tell(Progress(key=found.key, phase="stored", source=found.source))
    return found


def _from_sources(request: Request, lock: Lock) -> _Got:
    wish = request.wish
    known = {one.source: one for one in lock.of(wish.key, str(request.platform))}
    if request.bundle and (found := _packed(request, known.values())):
        return found
    refusals, withdrawn = _lacking(wish), False
    queue = deque((source, False) for source in order(wish, known))
    if request.keep_to_lock:
        queue = deque(one for one in queue if one[0].name in known or isinstance(one[0], OnPath))
    while queue:
        source, anew = queue.popleft()
        try:
            return _from(source, evolve(request, locked=known.get(source.name), anew=anew))
        except VerifyError:
            raise
        except OSError as error:
            raise unwritable(request.store.root, error) from error
        except (Refused, FetchError) as error:
            if isinstance(error, FetchError) and error.reference == FULL:
                raise  # another source would find the same disk
            if isinstance(error, Refused) and error.remembered and not anew:
                queue.append((source, True))  # asked if nobody else can
            withdrawn = withdrawn or (isinstance(error, Refused) and error.withdrawn)
            refusals[source.name] = _refused(request, source, error)
    hint = TAKEN_BACK.format(wish.component_id) if withdrawn else ""
    raise _nobody(wish, refusals, hint or _way_out(wish, locked=wish.key in lock.programs))


def _packed(request: Request, known: Iterable[Locked]) -> _Got | None:
    # whatever way it was had: a provider's own one is no source of the component
    for one in known:
        fits = request.wish.source in {"", one.source}
        if fits and request.bundle and request.bundle.has(one.packed):
            found = assembled.take(evolve(request, locked=one))
            note = f"{one.source}, {one.trust}"
            key = request.wish.key
            request.tell(Progress(key=key, phase="done", source=one.source, note=note))
            return _Got(artifact=found)
    return None


def _from(source: Source, request: Request) -> _Got:
    key = request.wish.key
    request.tell(Progress(key=key, phase="trying", source=source.name))
    held = request.store.find(key, str(request.platform), source=source.name)
    if held and request.locked is None:
        request.store.check(held)
        request.tell(Progress(key=key, phase="stored", source=source.name))
        return _stored(request, held)
    asked = driver(source.kind)
    if request.bundle and not isinstance(source, BUNDLED):
        raise Refused("the bundle does not hold it, or booty.lock does not know how it was packed")
    asked.probe(source, request)
    found = asked.get(source, request)
    note = f"{source.name}, {found.trust}"
    request.tell(Progress(key=key, phase="done", source=source.name, note=note))
    lists = None if request.bundle else getattr(asked, "others", None)
    others = lists(source, request) if lists else {}
    listed.remember(request.store.root, found, others)
    return _Got(artifact=found, others=others)


def _refused(request: Request, source: Source, error: Refused | FetchError) -> str:
    note = error.message if isinstance(error, FetchError) else str(error)
    request.tell(Progress(key=request.wish.key, phase="refused", source=source.name, note=note))
    return note


def _lacking(wish: ArtifactWish) -> dict[str, str]:
    return {
        one.name: f"it has {', '.join(one.versions)} only"
        for one in wish.component.sources
        if one.versions and wish.version not in one.versions and wish.source in {"", one.name}
    }


def order(wish: ArtifactWish, known: Mapping[str, Locked]) -> list[Source]:
    """Return the sources that may serve a program, in the order in which they are tried.

    Args:
        wish: the program.
        known: what the lock says of it, by source; these come first.
    """
    if wish.binary:
        declared = [one for one in wish.component.sources if isinstance(one, OnPath)]
        return [*declared[:1]] or [OnPath()]
    can = [
        one for one in wish.component.sources if not one.versions or wish.version in one.versions
    ]
    if wish.source:
        return [one for one in can if one.name == wish.source]
    return sorted(can, key=lambda one: one.name not in known)


def _nobody(wish: ArtifactWish, refusals: Mapping[str, str], hint: str) -> FetchError:
    names = ", ".join(one.name for one in wish.component.sources) or "none"
    tried = [one.name for one in wish.component.sources if one.name in refusals] or list(refusals)
    why = "; ".join(f"{name}: {refusals[name]}" for name in tried)
    return FetchError(
        f'cannot get "{wish.key}": '
        + (why or f'no source is called "{wish.source}" (there are: {names})'),
        reference="no-source",
        subject=wish.key,
        hint=hint,
    )


def _way_out(wish: ArtifactWish, *, locked: bool) -> str:
    if wish.binary:
        return "correct binary or version, or leave binary out: then the program is fetched"
    pinned = [one for one in wish.component.sources if one.name == wish.source]
    if pinned and pinned[0].versions and wish.version not in pinned[0].versions:
        return f'version = "{pinned[0].versions[0]}", or leave source out'
    if wish.component_id.startswith("program/"):
        return "is the version right? see source in booty.toml; or set a mirror"
    if locked:
        return (
            f"if this version is gone for good: booty lock --upgrade {wish.component_id}; "
            "else fill the store where there is a network, or set a mirror"
        )
    if not wish.tested:
        return f"is the version right? tested versions: {', '.join(wish.component.versions)}"
    return 'fill the store where there is a network, set a mirror, or use binary = "…"'
