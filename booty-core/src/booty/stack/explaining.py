"""``fetch --explain``: what every source of every program says, and which will be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty import fetch, paths
from booty.model.platform import Platform

if TYPE_CHECKING:
    from booty.fetch import Outlook
    from booty.stack.fetching import Wanted

__all__ = ["explain"]


def explain(asked: Wanted) -> list[Outlook]:
    """Ask every source; nothing is taken and nothing written.

    Args:
        asked: the programs.
    """
    return fetch.outlooks(
        asked.wishes,
        platform=Platform.current(),
        lock=asked.lock,
        store=fetch.Store(paths.store()),
        mirrors=asked.spec.mirrors,
        access=asked.access,
    )
