"""Programs for a plan: what a provider fetches itself, and the rest from its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty import fetch, paths
from booty.model.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booty.fetch import Lock, Tell
    from booty.model.plan import Artifact, ArtifactWish
    from booty.providers import Provider

__all__ = ["get"]


def get(
    wishes: Sequence[ArtifactWish],
    known: Mapping[str, Provider],
    lock: Lock,
    *,
    mirrors: Mapping[str, str],
    tell: Tell,
) -> tuple[dict[str, Artifact], Lock]:
    """Get programs into the store.

    Args:
        wishes: the programs.
        known: loaded providers by name, one for every wish.
        lock: what was taken before.
        mirrors: base URLs by host.
        tell: told of progress.

    Returns:
        Artifacts by key, and the lock with what was taken.

    Raises:
        BootyError, BootyErrors: programs cannot be had.
    """
    own: dict[str, Artifact] = {}
    for wish in wishes:
        found = known[wish.component.owner].call("fetch", wish=wish)
        if found is not None:
            own[wish.key] = found
    got, lock = fetch.ensure(
        [wish for wish in wishes if wish.key not in own],
        platform=Platform.current(),
        lock=lock,
        store=fetch.Store(paths.store()),
        mirrors=mirrors,
        tell=tell,
    )
    return {**own, **got}, lock
