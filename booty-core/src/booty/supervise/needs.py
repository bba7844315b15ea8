"""What an instance waits for before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty.supervise.holdings import Holdings
    from booty.supervise.unit import Unit

__all__ = ["UP", "satisfied", "unmet"]

UP: Final = frozenset({"ready", "degraded", "done"})
"""States in which an instance has been ready."""
UNTIL: Final = {
    "started": frozenset({"starting", "bootstrapping", "ready", "degraded", "done"}),
    "ready": UP,
    "good": frozenset({"ready"}),
    "done": frozenset({"done"}),
}


def satisfied(sup: Holdings, need: dict[str, Any], service: str) -> bool:
    """Tell whether what an instance of a service waits for is there.

    Inside one service whoever has passed its probes is ready: what follows, the service's
    bootstrap, waits for all of its instances.
    """
    states = UNTIL[need["until"]]
    if need["service"] == service and need["until"] in {"ready", "good"}:
        states |= {"bootstrapping"}
    names = [name for name in need["instances"] if name.partition(".")[0] not in sup.without]
    there = [name for name in names if _reached(sup, name, need["until"], states)]
    wanted = {"any": 1, "quorum": len(names) // 2 + 1}.get(need["of"], len(names))
    return len(there) >= min(wanted, len(names))


def _reached(sup: Holdings, name: str, until: str, states: frozenset[str]) -> bool:
    unit = sup.units.get(name)
    if unit is None or unit.state not in states:
        return False
    if until != "good":
        return True
    return bool((unit.row.get("health") or {}).get("good"))


def unmet(sup: Holdings, unit: Unit) -> list[dict[str, Any]]:
    """Return the needs of an instance that are not met."""
    service = unit.entry["service"]
    return [need for need in unit.entry["needs"] if not satisfied(sup, need, service)]
