"""Replicas are restarted one after the other, each healthy before the next is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.supervise import former, goodness, looking, stopping
from booty.supervise.complaint import complain
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booty.supervise.arrival import Arrival
    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = ["replicas", "roll"]

HOOK_LIMIT: Final = 60.0
"""Seconds that a hook before or after a restart may take."""


def replicas(entries: Mapping[str, Mapping[str, Any]], restarts: list[str]) -> list[str]:
    """Return those of the instances to restart that have a twin among them.

    Args:
        entries: entries of the new run sheet by instance.
        restarts: the instances to restart.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name in restarts:
        groups.setdefault((entries[name]["service"], entries[name]["role"]), []).append(name)
    return [name for own in groups.values() if len(own) > 1 for name in own]


async def roll(
    sup: Supervision,
    arrival: Arrival,
    entries: Mapping[str, dict[str, Any]],
    turn: Sequence[str],
    before: Mapping[str, dict[str, Any]],
) -> None:
    """Restart replicas in turn; when one does not get healthy, put back what was.

    Args:
        sup: the supervisor.
        arrival: waits for those of the change that they belong to.
        entries: entries of the new run sheet by instance.
        turn: instances in the order of their turns.
        before: by instance the entry that it ran by before the change, those of a predecessor's
            turns included.

    Raises:
        ControlError: one did not get healthy; those restarted so far run as before.
    """
    left = list(turn)
    try:
        while left:
            # a successor goes on with what is left
            sup.note(rolling=left)
            await _one(sup, arrival, entries[left[0]])
            left = left[1:]
    except Exception:  # a fault of ours too: the replicas are not left half changed
        done = [name for name in before if name not in left[1:]]
        await _put_back(sup, arrival, {name: before[name] for name in reversed(done)})
        raise
    else:
        former.over(sup)
    finally:
        sup.note(rolling=[])


async def _one(sup: Supervision, arrival: Arrival, entry: dict[str, Any]) -> None:
    unit = sup.units[entry["name"]]
    await _hook(sup, unit, "before_restart")
    await stopping.stop_level(sup, [unit], drain=True)
    unit.entry = entry
    sup.begin(unit)
    await arrival.of([unit.name])
    await _healthy(sup, unit)
    await _hook(sup, unit, "after_restart")


async def _healthy(sup: Supervision, unit: Unit) -> None:
    # only a provider's own look can tell more than its readiness
    if "health" not in sup.hooks.of(unit):
        return
    limit = float(unit.entry["ready_timeout"])
    end = sup.loop.now() + limit
    while not (found := await looking.look(sup, unit))["good"]:
        if sup.loop.now() >= end:
            raise ControlError.of(
                f'cannot go on to the next replica: "{unit.name}" is not good after {limit:g} s:'
                f" {found['reason'] or 'no reason told'}",
                reference="not-healthy",
                status=8,
                subject=unit.name,
                hint=f"booty logs {unit.name}; the replicas run as before",
            )
        await sup.change(min(goodness.PAUSE, max(0.0, end - sup.loop.now())))


async def _hook(sup: Supervision, unit: Unit, verb: str) -> None:
    if verb in sup.hooks.of(unit):
        await sup.hooks.call(unit, verb, HOOK_LIMIT)


async def _put_back(
    sup: Supervision, arrival: Arrival, before: Mapping[str, dict[str, Any]]
) -> None:
    for name, entry in before.items():
        unit = sup.units[name]
        sup.journal.tell("change", name, action="restart", reason="put back as it was")
        await stopping.stop_level(sup, [unit])
        unit.entry, arrival.fault = entry, None
        sup.begin(unit)
        try:
            await arrival.of([name])
        except ControlError as fault:
            # it ran before; why it does not now is written down, the first fault is told
            complain(f"cannot put back {name}: {fault.message}")
