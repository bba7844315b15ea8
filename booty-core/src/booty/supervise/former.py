"""Entries that replicas run by though another run sheet holds: not had their turn, or put back.

``former`` in ``state/stack.json`` names by instance the plan whose entry that is, for a successor.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from booty.supervise import sheets
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.supervise.holdings import Holdings

__all__ = ["begin", "entries", "held", "over"]


def begin(sup: Holdings, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Write down what replicas run by that are about to be restarted in turn.

    Args:
        sup: the supervisor; the sheet that is left holds still.
        names: those that are to be restarted.

    Returns:
        By instance the entry that it is put back to, those included that a predecessor has
        restarted already.
    """
    before: dict[str, str] = dict(sup.stack.get("former") or {})
    plans = {name: before.get(name) or str(sup.sheet["digest"]) for name in names}
    if sup.stack.get("rolling"):
        plans = {**before, **plans}
    if plans or before:
        sup.note(former=plans)
    found, units = entries(sup), sup.units
    return {name: found.get(name) or units[name].entry for name in plans if name in units}


def over(sup: Holdings) -> None:
    """Forget it: all run by the sheet that holds."""
    if sup.stack.get("former"):
        sup.note(former={})


def entries(sup: Holdings) -> dict[str, dict[str, Any]]:
    """Return the former entry of each instance that has one, if its plan is still there."""
    plans: dict[str, str] = dict(sup.stack.get("former") or {})
    found: dict[str, dict[str, Any]] = {}
    for plan in set(plans.values()):
        own = {name for name, one in plans.items() if one == plan}
        with suppress(ControlError):  # one of long ago may have been removed
            sheet = sup.sheet if plan == sup.sheet.get("digest") else sheets.read(sup.folder, plan)
            found |= {one["name"]: one for one in sheet["instances"] if one["name"] in own}
    return found


def held(
    entry: dict[str, Any], before: dict[str, Any] | None, row: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the entry by which an instance is supervised on.

    Args:
        entry: its entry in the sheet that holds.
        before: its former one, ``None`` if there is none.
        row: its state; its digest tells by which of both it was started last.
    """
    was = before is not None and row is not None and row.get("digest") == before["digest"]
    return before if was and before is not None else entry
