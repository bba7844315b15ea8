"""Stopping: by levels, each with its grace, and nothing left of any of them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

from booty.supervise import remains, starting, unforeseen
from booty.supervise.change import UP
from booty.supervise.complaint import complain
from booty.supervise.ends import accepted
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable

    from booty.run.loop import Task
    from booty.run.process import Process
    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = ["leaning_on", "levels", "missed", "replace", "stop_all", "stop_level"]

AFTER_KILL: Final = 5.0
"""Seconds that the kernel may take to end what was killed."""


def leaning_on(sup: Supervision, names: Iterable[str]) -> set[str]:
    """Return instances with all that need them, directly or not."""
    found = set(names)
    while True:
        more = {
            unit.name
            for unit in sup.units.values()
            if unit.name not in found
            and any(found & set(need["instances"]) for need in unit.entry["needs"])
        }
        if not more:
            return found
        found |= more


def levels(sup: Supervision, names: Iterable[str]) -> list[list[Unit]]:
    """Return instances by stop level: nobody is stopped before those that need it."""
    left = {name: sup.units[name] for name in names if name in sup.units}
    found: list[list[Unit]] = []
    while left:
        needed = {
            target for unit in left.values() for need in unit.entry["needs"]
            for target in need["instances"] if target != unit.name
        }  # fmt: skip
        level = [unit for name, unit in left.items() if name not in needed] or list(left.values())
        found.append(level)
        for unit in level:
            del left[unit.name]
    return found


def missed(sup: Supervision, names: Collection[str]) -> set[str]:
    """Return those of some instances whose service goes on with others: who drains is drained."""
    others = {
        (unit.entry["service"], unit.entry["role"])
        for unit in sup.units.values()
        if unit.name not in names and unit.state in UP
    }
    own = (sup.units[name].entry for name in names if name in sup.units)
    return {one["name"] for one in own if (one["service"], one["role"]) in others}


async def stop_all(
    sup: Supervision, names: Iterable[str], leaving: Container[str] = ()
) -> list[dict[str, Any]]:
    """Stop instances by levels; returns how each ended.

    Args:
        sup: the supervisor.
        names: the instances.
        leaving: those of them whose service goes on without them: their drain signal comes first.
    """
    report: list[dict[str, Any]] = []
    for level in levels(sup, names):
        for drain in (True, False):
            part = [unit for unit in level if (unit.name in leaving) is drain]
            report += await stop_level(sup, part, drain=drain)
    return report


async def stop_level(
    sup: Supervision, units: Iterable[Unit], *, drain: bool = False
) -> list[dict[str, Any]]:
    """Stop instances side by side, descendants included; returns how each ended.

    Args:
        sup: the supervisor.
        units: the instances.
        drain: whether they are to be replaced, so that their drain signal comes first.
    """
    every = list(units)
    own = [unit for unit in every if not unit.stopping]
    for unit in own:
        unit.stopping, unit.report = True, None
    # a stop that has begun goes to its end, also if who asked for it has gone
    rows = await sup.loop.task(_stop_own(sup, own, drain=drain))
    while any(unit.stopping for unit in every):
        await sup.change()  # somebody else stops these, and how they end is told here as well
    others = [unit.report for unit in every if unit not in own]
    return [*rows, *(row for row in others if row is not None)]


async def replace(sup: Supervision, unit: Unit) -> None:
    """Stop an instance and bring it up again."""
    await stop_level(sup, [unit])
    sup.begin(unit)


async def _stop_own(sup: Supervision, own: list[Unit], *, drain: bool) -> list[dict[str, Any]]:
    begin = sup.loop.now()
    grace = max([float(unit.entry["stop"]["grace"]) for unit in own], default=0.0)
    traces = {unit.name: remains.trace(sup, unit) for unit in own}
    work: list[Task[dict[str, Any] | None]] = [
        sup.loop.task(_stop_surely(sup, unit, drain=drain)) for unit in own
    ]
    try:
        rows = [row for one in work if (row := await one) is not None]
        until = max([begin + grace, *(row.pop("until") for row in rows)])
        killed = await remains.end(sup, traces, until)
        named = {unit.name: unit for unit in own}
        for row in rows:
            row["how"] = "killed" if row["instance"] in killed else row["how"]
            named[row["instance"]].report = row
    finally:
        for unit in own:
            _over(unit)
        sup.wake()
    return rows


def _over(unit: Unit) -> None:
    # only now: who dies before this is followed by one that looks for what is left
    unit.stopping = False
    if unit.state == "stopping" and unit.process is None:
        unit.to("stopped")


async def _stop_surely(sup: Supervision, unit: Unit, *, drain: bool) -> dict[str, Any] | None:
    try:
        return await _stop_one(sup, unit, drain=drain)
    except Exception as error:  # noqa: BLE001 - nobody may be left to run by a fault of ours
        told = unforeseen.fault(error, unit.name)
        sup.journal.tell("warning", unit.name, message=told.message)
        return await unforeseen.end_by_force(sup, unit)


async def _stop_one(sup: Supervision, unit: Unit, *, drain: bool) -> dict[str, Any] | None:
    if unit.task is not None:
        unit.task.cancel()
        unit.task = None
        await sup.loop.sleep(0)
    if unit.process is not None:
        grace = await _until_it_may(sup, unit, unit.process)
        return await _stop(sup, unit, unit.process, grace, drain=drain)
    if unit.state in {"ready", "degraded"}:
        unit.to("stopping")
    elif unit.state not in {"stopping", "stopped", "absent", "done", "failed"}:
        unit.to("stopped")
    return None


async def _until_it_may(sup: Supervision, unit: Unit, process: Process) -> float:
    # returns the grace that is left: asked before it is ready it would hang for good
    stop = unit.entry["stop"]
    grace = float(stop["grace"])
    if not stop.get("after_ready") or unit.row.get("passed") or unit.entry["ready"] is None:
        return grace
    unit.said.begin()
    unit.to("stopping", "waits until it is ready: it cannot be stopped before")
    waiting = sup.loop.task(starting.passes(sup, unit))
    try:
        done = await unit.said.first(process.gone, sup.force, waiting, timeout=grace)
    finally:
        waiting.cancel()
    return 0.0 if done is None else grace


async def _stop(
    sup: Supervision, unit: Unit, process: Process, grace: float, *, drain: bool
) -> dict[str, Any]:
    begin = sup.loop.now()
    if not unit.said.stopping:
        unit.said.begin()
    if unit.state != "stopping":
        unit.to("stopping")
    if drain and await _drained(sup, unit, grace):
        begin = sup.loop.now()  # moving work away takes nothing from the time to end
    if drain and unit.entry["stop"]["drain"] and not process.gone.done:
        process.send(remains.number(unit.entry["stop"]["drain"]))
        await sup.loop.first(process.gone, sup.force, timeout=grace)
    if not process.gone.done:
        await _ask(sup, unit, process, grace)
    left = grace - (sup.loop.now() - begin)
    await unit.said.first(process.gone, sup.force, timeout=left)
    forced = not process.gone.done
    if forced:
        process.send_group(signal.SIGKILL)
        process.send(signal.SIGKILL)
        await sup.loop.first(process.gone, timeout=AFTER_KILL)
    ended = await sup.take_exit(unit, forced=forced)
    clean = accepted(unit, ended) or ended.signal == remains.number(unit.entry["stop"]["signal"])
    return {
        "instance": unit.name,
        "how": "killed" if forced else "clean" if clean else "code",
        "code": ended.code,
        "signal": ended.signal,
        "seconds": round(sup.loop.now() - begin, 3),
        "until": begin + grace,
    }


async def _drained(sup: Supervision, unit: Unit, grace: float) -> bool:
    if "drain" not in sup.hooks.of(unit) or unit.name in sup.members.drained:
        return False
    try:
        await sup.hooks.call(unit, "drain", grace, leaving=False)
    except (Unknown, ControlError) as error:
        complain(f'cannot drain "{unit.name}" by its provider: {error}')
        return False  # the plain signal is left, if there is one
    return True


async def _ask(sup: Supervision, unit: Unit, process: Process, grace: float) -> None:
    if "stop" in sup.hooks.of(unit):
        # a hook that cannot ask is replaced by the plain signal, while there is time to obey it
        asking = sup.loop.task(_asked(sup, unit, grace / 2))
        done = await sup.loop.first(process.gone, sup.force, asking, timeout=grace / 2)
        if done is not None and (done is not asking or asking.result()):
            return
    process.send(remains.number(unit.entry["stop"]["signal"]))


async def _asked(sup: Supervision, unit: Unit, limit: float) -> bool:
    try:
        await sup.hooks.call(unit, "stop", limit)
    except (Unknown, ControlError) as error:
        complain(f'cannot stop "{unit.name}" by its provider: {error}')
        return False
    return True
