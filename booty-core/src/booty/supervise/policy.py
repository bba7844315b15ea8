"""What happens to an instance that has ended: it is done, started again, or given up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from booty.supervise import starting
from booty.supervise.ends import accepted
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.run.process import Exit
    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = ["again", "ends_well", "pause", "paused"]

JITTER: Final = 0.1
"""Part of a pause by which it may be longer or shorter."""


def ends_well(sup: Supervision, unit: Unit, ended: Exit) -> bool:
    """Settle an instance whose end is the last one by its policy; tells whether it is."""
    policy = unit.entry["restart"]["policy"]
    if unit.entry["kind"] == "task" and not accepted(unit, ended) and policy == "never":
        fault = ControlError.of(
            f'cannot go on: task "{unit.name}" ended with {starting.ending(ended)}',
            reference="task-failed",
            status=7,
            subject=unit.name,
            hint=f"booty logs {unit.name}; mend it, then booty up",
            lines=starting.last_lines(sup.folder, unit),
        )
        unit.to("failed", fault.message)
        sup.failed(unit, fault)
        return True
    if policy == "always" and unit.entry["kind"] != "task":
        return False
    if accepted(unit, ended):
        unit.to("done", None)
        return True
    if policy == "never":
        _give_up(sup, unit, f"it ended with {starting.ending(ended)}")
        return True
    return False


async def again(sup: Supervision, unit: Unit, reason: str) -> bool:
    """Wait until an instance that has ended may be started again; tells whether it may.

    Args:
        sup: the supervisor.
        unit: the instance.
        reason: how it ended.
    """
    policy, tries = unit.entry["restart"], int(unit.row["tries"]) + 1
    if tries > policy["give_up"]:
        _give_up(sup, unit, f"given up after {tries - 1} restarts: {reason}")
        return False
    delay = pause(policy, tries)
    # all of it is known to a successor: the count, and until when it waits
    unit.note(restarts=int(unit.row["restarts"]) + 1, tries=tries)
    if delay:
        unit.again_at = sup.loop.now() + delay
        unit.to("backoff", f"{reason}; restarted in {delay:.1f} s")
    await paused(sup, unit, delay)
    return True


async def paused(sup: Supervision, unit: Unit, seconds: float) -> None:
    """Wait for a time before an instance is started again; who leans on it is restarted then."""
    if seconds > 0:
        await sup.loop.sleep(seconds)
    sup.restart_leaning(unit)


def pause(policy: dict[str, Any], tries: int) -> float:
    """Return the seconds before a restart.

    Args:
        policy: ``next max`` (seconds) and ``factor``.
        tries: which restart it is since the last quiet time; the first is at once.
    """
    if tries == 1:
        return 0.0
    try:
        delay = min(policy["max"], policy["next"] * policy["factor"] ** (tries - 2))
    except OverflowError:  # with many tries to give up after, they get that far in a night
        delay = policy["max"]
    # spreads load; the module for random numbers would bring half of OpenSSL into memory
    chance = int.from_bytes(os.urandom(2)) / 0xFFFF
    return float(delay * (1 + JITTER * (2 * chance - 1)))


def _give_up(sup: Supervision, unit: Unit, why: str) -> None:
    unit.to("failed", why)
    fault = ControlError.of(
        f'cannot keep "{unit.name}" running: {why}',
        reference="given-up",
        status=7,
        subject=unit.name,
        hint=f"booty logs {unit.name}, then booty start {unit.name}",
        lines=starting.last_lines(sup.folder, unit),
    )
    sup.failed(unit, fault)
