"""Whether a saved plan still holds, and whether what runs is as it says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from booty.stack import plans
from booty.supervise import state
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booty.stack.choice import Choice
    from booty.stack.place import Place

__all__ = ["all_as_planned", "misses", "planned", "stale"]


def all_as_planned(place: Place, digest: str, sheet: Mapping[str, Any], choice: Choice) -> bool:
    """Tell whether all that is asked for runs as a plan has it.

    Args:
        place: the stack.
        digest: the plan's.
        sheet: its run sheet.
        choice: what is asked.
    """
    from booty.supervise.closure import closure

    found = state.read(place.state)
    stack = found["stack"] or {}
    left_out = planned(sheet, choice.without)
    if stack.get("damaged") or stack.get("plan") != digest or stack.get("target"):
        return False  # it is written anew with the plan, or a change has not been carried out
    if set(stack.get("without") or ()) != left_out:
        return False
    try:
        wanted = closure(dict(sheet), choice.names or None, left_out)
    except ControlError:
        return False  # a name that is none; the supervisor says which there are
    rows = {row["instance"]: row for row in found["instances"]}
    digests = {entry["name"]: entry["digest"] for entry in sheet["instances"]}
    return all(_as_planned(rows.get(name), digests[name]) for name in wanted)


def _as_planned(row: Mapping[str, Any] | None, digest: str) -> bool:
    # a change that was cut short left some that run as before
    if row is None or row["state"] not in {"ready", "done"}:
        return False
    return row.get("digest") in {digest, None}


def planned(sheet: Mapping[str, Any], names: Sequence[str]) -> set[str]:
    """Return the names whose service is in a sheet; one whose provider is broken may be in none."""
    return {name for name in names if name.partition(".")[0] in sheet.get("services", {})}


def misses(left_out: Sequence[str], choice: Choice) -> bool:
    """Tell whether a plan had to leave out a service that is asked for now."""
    names = {name.partition(".")[0] for name in choice.names}
    return bool((set(left_out) & names) if names else (set(left_out) - set(choice.without)))


def stale(place: Place) -> tuple[str, ...]:
    """Return a sentence for each provider that is installed in another version than the plan's."""
    # a version is installed in a folder of its own: while that is there, nothing is newer
    known = plans.latest(place).get("providers", {})
    if all(os.path.exists(one["record"]) for one in known.values()):  # noqa: PTH110 - one stat
        return ()
    from booty import providers

    now = providers.installed()
    return tuple(
        f"{name} {one['version']} made this plan, {now[name].version} is installed"
        for name, one in known.items()
        if name in now and now[name].version != one["version"]
    )
