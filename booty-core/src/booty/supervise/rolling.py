"""Replicas are restarted one after the other, each healthy before the next is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.supervise import living, looking, stopping
from booty.supervise.complaint import complain
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.supervise.converging import Convergence
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


async def roll(change: Convergence, former: Mapping[str, dict[str, Any]]) -> None:
    """Restart replicas in turn; when one does not get healthy, put back what was.

    Args:
        change: the change that they belong to.
        former: by instance the entry that it runs by.

    Raises:
        ControlError: one did not get healthy; those restarted so far run as before.
    """
    left = list(former)
    try:
        while left:
            # a successor goes on with what is left
            change.sup.note(rolling=left)
            await _one(change, left[0])
            left = left[1:]
    except (ControlError, Unknown):
        done = [name for name in former if name not in left[1:]]
        await _put_back(change, {name: former[name] for name in reversed(done)})
        raise
    finally:
        change.sup.note(rolling=[])


async def _one(change: Convergence, name: str) -> None:
    unit = change.sup.units[name]
    await _hook(change, unit, "before_restart")
    await stopping.stop_level(change.sup, [unit], drain=True)
    unit.entry = change.entries[name]
    change.sup.begin(unit)
    await change.until([name])
    await _healthy(change, unit)
    await _hook(change, unit, "after_restart")


async def _healthy(change: Convergence, unit: Unit) -> None:
    # only a provider's own look can tell more than its readiness
    sup = change.sup
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
        await sup.change(min(living.GOOD_PAUSE, max(0.0, end - sup.loop.now())))


async def _hook(change: Convergence, unit: Unit, verb: str) -> None:
    if verb in change.sup.hooks.of(unit):
        await change.sup.hooks.call(unit, verb, HOOK_LIMIT)


async def _put_back(change: Convergence, former: Mapping[str, dict[str, Any]]) -> None:
    sup = change.sup
    for name, entry in former.items():
        unit = sup.units[name]
        sup.journal.tell("change", name, action="restart", reason="put back as it was")
        await stopping.stop_level(sup, [unit])
        unit.entry, change.fault = entry, None
        sup.begin(unit)
        try:
            await change.until([name])
        except ControlError as fault:
            # it ran before; why it does not now is written down, the first fault is told
            complain(f"cannot put back {name}: {fault.message}")
