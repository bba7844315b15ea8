"""``--frozen``: only what booty.lock holds may be taken, and it may not have to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from booty.errors import ConfigError, raise_all
from booty.model.source import OnPath

if TYPE_CHECKING:
    from booty.fetch.lock import Lock
    from booty.model.plan import ArtifactWish
    from booty.model.platform import Platform

__all__ = ["refuse_changes", "refuse_drift"]


def refuse_drift(
    wishes: Iterable[ArtifactWish], lock: Lock, platform: Platform, kept: Lock
) -> None:
    """Refuse a lock that does not hold what is wanted, or holds what nobody wants any more.

    Programs of the user's own (``binary``) are in no lock.

    Args:
        wishes: the programs.
        lock: booty.lock as it stands.
        platform: of the host.
        kept: the same without what no service uses any more.

    Raises:
        ConfigError: the lock would have to change.
        BootyErrors: in several places.
    """
    asked = [wish for wish in wishes if not wish.binary]
    raise_all([*_lacks(asked, lock, platform), *_left_over(lock, kept)])


def refuse_changes(before: Lock, after: Lock, platform: Platform) -> None:
    """Refuse what was had otherwise than the lock says: an installed distribution is what it is.

    Sizes that were not known before are no change.

    Args:
        before: booty.lock as it stands.
        after: the same with what was had.
        platform: of the host.

    Raises:
        ConfigError: it would have to change.
        BootyErrors: in several places.
    """
    raise_all([*_changed(before, after, str(platform))])


def _changed(before: Lock, after: Lock, platform: str) -> Iterator[ConfigError]:
    for key in after.programs:
        known = {one.source: one.digest for one in before.of(key, platform)}
        for one in after.of(key, platform):
            if known.get(one.source) != one.digest:
                yield _fault(key, f"what {one.source} has here is not what it holds")


def _lacks(wishes: Iterable[ArtifactWish], lock: Lock, platform: Platform) -> Iterator[ConfigError]:
    for wish in wishes:
        if wish.key not in lock.programs:
            others = ", ".join(lock.versions.get(wish.component_id, ()))
            held = f"it holds {others}" if others else "it does not hold this program"
            yield _fault(wish.key, held)
        elif not _can_serve(wish, lock, platform):
            told = f" from {wish.source}" if wish.source else ""
            yield _fault(wish.key, f"it does not hold it{told} for {platform}")


def _can_serve(wish: ArtifactWish, lock: Lock, platform: Platform) -> bool:
    names = {one.source for one in lock.of(wish.key, str(platform))}
    # the user's own program is locked by its version alone
    names |= {one.name for one in wish.component.sources if isinstance(one, OnPath)}
    return wish.source in names if wish.source else bool(names)


def _left_over(lock: Lock, kept: Lock) -> Iterator[ConfigError]:
    for key in sorted(lock.programs.keys() - kept.programs.keys()):
        yield _fault(key, "no service uses it any more")


def _fault(key: str, why: str) -> ConfigError:
    return ConfigError(
        f'cannot keep to booty.lock for "{key}": {why}',
        reference="lock-drift",
        subject=key,
        hint="booty lock, and commit it; or go without --frozen",
    )
