"""Programs for a plan: what a provider fetches itself, and the rest from its sources."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from booty import fetch, paths
from booty.errors import VerifyError
from booty.model.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from booty.fetch import Lock, Tell
    from booty.fetch.access import Access
    from booty.fetch.bundle import Bundle
    from booty.model.plan import Artifact, ArtifactWish
    from booty.providers import Provider

__all__ = ["get", "opened"]


@contextmanager
def opened(path: str) -> Iterator[Bundle | None]:
    """Open a bundle while programs are taken from it; ``None`` for no path.

    Raises:
        FetchError: it is no bundle.
    """
    if not path:
        yield None
        return
    from booty.fetch.bundle import Bundle

    with Bundle(Path(path)) as bundle:
        yield bundle


def get(
    wishes: Sequence[ArtifactWish],
    known: Mapping[str, Provider],
    lock: Lock,
    *,
    mirrors: Mapping[str, str],
    access: Access,
    tell: Tell,
    keep_to_lock: bool = False,
    bundle: Bundle | None = None,
) -> tuple[dict[str, Artifact], Lock]:
    """Get programs into the store.

    Args:
        wishes: the programs.
        known: loaded providers by name, one for every wish.
        lock: what was taken before.
        mirrors: base URLs by host.
        access: how publishers are asked.
        tell: told of progress.
        keep_to_lock: take only what the lock names.
        bundle: takes the place of every network.

    Returns:
        Artifacts by key, and the lock with what was taken.

    Raises:
        BootyError, BootyErrors: programs cannot be had.
    """
    own: dict[str, Artifact] = {}
    for wish in wishes if bundle is None else ():  # a provider's own way is a network's, too
        found = known[wish.component.owner].call("fetch", wish=wish)
        if found is not None:
            _refuse_another(wish, found, lock)
            own[wish.key] = found
    before = lock
    got, lock = fetch.ensure(
        [wish for wish in wishes if wish.key not in own],
        platform=Platform.current(),
        lock=lock,
        store=fetch.Store(paths.store()),
        mirrors=mirrors,
        access=access,
        tell=tell,
        keep_to_lock=keep_to_lock,
        bundle=bundle,
    )
    for wish in wishes:
        if wish.key in own and not wish.binary:
            lock = lock.adding(own[wish.key])
    if keep_to_lock:
        fetch.refuse_changes(before, lock, Platform.current())
        return {**own, **got}, before
    return {**own, **got}, lock


def _refuse_another(wish: ArtifactWish, found: Artifact, lock: Lock) -> None:
    locked = {one.source: one.digest for one in lock.of(wish.key, found.platform)}
    expected = locked.get(found.source, found.digest)
    if found.digest != expected:
        raise VerifyError(
            f'cannot trust "{wish.key}": its sha256 is "{found.digest}", expected "{expected}"',
            reference="digest-mismatch",
            subject=wish.key,
            hint=f"booty.lock names another one; booty lock --upgrade {wish.component_id}",
        )
