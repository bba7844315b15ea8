"""Looking at instances until they are good, as long as somebody waits for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty.supervise import looking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.supervise.supervision import Supervision

__all__ = ["PAUSE", "want"]

PAUSE: Final = 0.25
"""Seconds between looks."""


def want(sup: Supervision, names: Iterable[str]) -> None:
    """Look at instances again and again until they are good, since somebody waits for that."""
    for name in set(names) - sup.looked_for:
        sup.looked_for.add(name)
        sup.loop.task(_until_good(sup, name))


async def _until_good(sup: Supervision, name: str) -> None:
    try:
        while (unit := sup.units.get(name)) is not None and sup.wants(name):
            probed = unit.state in {"bootstrapping", "ready"}
            if probed and (await looking.look(sup, unit))["good"]:
                return
            await sup.change(PAUSE)
    finally:
        sup.looked_for.discard(name)
