"""The life of an instance: it waits, starts, is watched, and is restarted by its policy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

from booty.supervise import goodness, looking, remains, starting
from booty.supervise.ends import accepted
from booty.supervise.needs import unmet
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from booty.run.loop import Task
    from booty.run.process import Exit
    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = [
    "begin",
    "go_on_starting",
    "judge",
    "live",
    "pause",
    "unsettled",
    "watch",
    "watch_and_restart",
]

T = TypeVar("T")
SETTLE: Final = 0.1
"""Seconds in which the end of a program that has no probe is a failed start."""
JITTER: Final = 0.1


async def begin(sup: Supervision, unit: Unit) -> None:
    """Bring an instance up; what was started of it meanwhile, from another entry, ends before."""
    if unit.process is not None:
        await sup.clear(unit)
    await live(sup, unit)


async def live(sup: Supervision, unit: Unit) -> None:
    """Bring an instance up and keep it up, until somebody stops it or its policy ends it."""
    unit.ever_ready = False
    unit.settled = False
    await _live(sup, unit, 0)


async def watch_and_restart(sup: Supervision, unit: Unit) -> None:
    """Go on with an adopted instance that is up: watch it, restart it by its policy."""
    tries = await _after(sup, unit, 0)
    if tries is not None:
        await _live(sup, unit, tries)


def judge(sup: Supervision, unit: Unit, ended: Exit) -> None:
    """Go on with a task that ended while nobody watched, as if somebody had."""
    unit.task = sup.loop.task(_judge(sup, unit, ended))


async def _judge(sup: Supervision, unit: Unit, ended: Exit) -> None:
    if not _ends_well(sup, unit, ended):
        tries = await _again(sup, unit, 1, f"ended with {starting.ending(ended)}")
        if tries is not None:
            await _live(sup, unit, tries)


async def go_on_starting(sup: Supervision, unit: Unit) -> None:
    """Go on with an adopted instance that was in the middle of its start."""
    await _live(sup, unit, 0, spawned=True)


async def _live(sup: Supervision, unit: Unit, tries: int, *, spawned: bool = False) -> None:
    while True:
        if not spawned:
            await _wait_for_needs(sup, unit)
        fault = await _start(sup, unit, spawned=spawned)
        spawned = False
        if fault is None:
            after = await _after(sup, unit, tries)
        elif unit.ever_ready:
            await sup.clear(unit)
            if _called_off(sup, unit):
                return
            after = await _again(sup, unit, tries + 1, fault.message)
        else:
            await sup.clear(unit)
            unit.to("failed", fault.message)
            sup.failed(unit, fault)
            return
        if after is None:
            return
        tries = after


async def _after(sup: Supervision, unit: Unit, tries: int) -> int | None:
    # watches until the end; returns the number of tries so far, or None if that was the end
    begin, process = sup.loop.now(), unit.process
    unit.up_since = begin
    unit.said.begin()
    ended = await watch(sup, unit)
    if unit.unhealthy.done:
        return await _replaced(sup, unit, tries, begin)
    session = process.session if process else None
    if ended is None:
        return None
    if _ends_well(sup, unit, ended):
        await remains.end_left(sup, unit, session)
        return None
    at_once = unsettled(unit, sup.loop.now()) > 0
    await remains.end_of(sup, unit, session)
    if at_once:
        _fail_start(sup, unit, ended)
        return None
    unit.settled = True
    if sup.loop.now() - begin >= unit.entry["restart"]["reset"]:
        tries = 0
    return await _again(sup, unit, tries + 1, f"ended with {starting.ending(ended)}{unit.said.why}")


def _called_off(sup: Supervision, unit: Unit) -> bool:
    # it was asked to stop while it was being ended for a restart
    if sup.ending is None and not sup.unwanted(unit.name):
        return False
    unit.to("stopped")
    return True


async def _replaced(sup: Supervision, unit: Unit, tries: int, begin: float) -> int | None:
    # it runs and does not do its job: stopped as asked for, then like one that ended by itself
    why = unit.unhealthy.result()
    sup.journal.tell("unhealthy", unit.name, message=why)
    unit.settled = True
    await sup.clear(unit)
    if _called_off(sup, unit):
        return None
    # only a time in which it was seen well was quiet: else it would be restarted for ever
    if unit.well_until is not None and unit.well_until - begin >= unit.entry["restart"]["reset"]:
        tries = 0
    return await _again(sup, unit, tries + 1, f"unhealthy: {why}")


async def _wait_for_needs(sup: Supervision, unit: Unit) -> None:
    while unit.stopping or unit.state == "stopping":
        await sup.change()  # it is wanted again while its stop is under way
    while left := unmet(sup, unit):
        names = ", ".join(need["service"] for need in left)
        unit.to("configured", f"waits for {names}")
        for need in left:
            if need["until"] == "good":
                goodness.want(sup, need["instances"])
        await sup.change()
    if unit.state != "configured":
        unit.to("configured")


async def _start(sup: Supervision, unit: Unit, *, spawned: bool) -> ControlError | None:
    begin = sup.loop.now()
    try:
        if unit.external:
            unit.note(digest=unit.entry["digest"], inputs=unit.entry["inputs"])
        elif not spawned:
            await starting.spawn(sup, unit)
            sup.span("exec", unit, begin)
        if unit.entry["kind"] == "task":
            return None
        begin = sup.loop.now()
        await starting.ready(sup, unit)
        await _bootstrapped(sup, unit)
    except Unknown as error:
        return ControlError.of(
            f'cannot start "{unit.name}": its provider does not answer: {error}',
            reference="hook-silent",
            status=7,
            subject=unit.name,
            hint="look into .booty/logs/supervisor.log",
        )
    except ControlError as error:
        return error
    except OSError as error:  # no descriptor for what a start needs besides the program
        return ControlError.of(
            f'cannot start "{unit.name}": {error.strerror}',
            reference="spawn-failed",
            status=7,
            subject=unit.name,
            hint=f"booty describe {unit.name}",
        )
    sup.span("ready", unit, begin)
    unit.ever_ready = True
    unit.to("ready")
    return None


async def _bootstrapped(sup: Supervision, unit: Unit) -> None:
    # one that nobody has to take in may have ended by now, and well
    joined = sup.members.lacks(unit)
    if joined:
        joined = await _unless_gone(sup, unit, sup.loop.task(sup.members.join(unit)))
    if sup.bootstraps.due(unit.entry["service"], fresh=unit.fresh or joined):
        unit.to("bootstrapping")
        await _unless_gone(sup, unit, sup.bootstraps.of(unit.entry["service"]))


async def _unless_gone(sup: Supervision, unit: Unit, work: Task[T]) -> T:
    gone = [unit.process.gone] if unit.process else []
    done = await sup.loop.first(*gone, work)
    if done is not work:
        raise await starting.early_end(sup, unit)
    return work.result()


async def watch(sup: Supervision, unit: Unit) -> Exit | None:
    """Watch an instance that is up; returns how it ended.

    ``None`` for an external one that went, and for one that is to be restarted though it runs.

    A task is watched from its start: its end is what it is for.
    """
    unit.watched = True
    unit.unhealthy, unit.well_until = sup.loop.future(), None
    looking.look_from_now(sup, unit)
    try:
        if unit.process is None:
            await sup.loop.first(sup.loop.future())
            return None
        if await sup.loop.first(unit.process.gone, unit.unhealthy) is unit.unhealthy:
            return None
    finally:
        unit.watched = False
        looking.look_no_more(unit)
    return await sup.take_exit(unit)


def _ends_well(sup: Supervision, unit: Unit, ended: Exit) -> bool:
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


def unsettled(unit: Unit, now: float) -> float:
    """Return for how many seconds more a program that nobody probes may show that it runs."""
    entry = unit.entry
    if entry["ready"] is not None or entry["kind"] != "service" or unit.up_since is None:
        return 0.0
    return 0.0 if unit.settled else max(0.0, SETTLE - (now - unit.up_since))


def _fail_start(sup: Supervision, unit: Unit, ended: Exit) -> None:
    # without a probe it counted as ready when it was spawned: this is how a failed start looks
    fault = starting.ended_early(sup, unit, ended)
    unit.to("failed", fault.message)
    sup.failed(unit, fault)


async def _again(sup: Supervision, unit: Unit, tries: int, reason: str) -> int | None:
    policy = unit.entry["restart"]
    if tries > policy["give_up"]:
        _give_up(sup, unit, f"given up after {tries - 1} restarts: {reason}")
        return None
    delay = pause(policy, tries)
    if delay:
        unit.to("backoff", f"{reason}; restarted in {delay:.1f} s")
    unit.note(restarts=int(unit.row["restarts"]) + 1)
    if delay:
        await sup.loop.sleep(delay)
    sup.restart_leaning(unit)
    return tries


def pause(policy: dict[str, Any], tries: int) -> float:
    """Return the seconds before a restart.

    Args:
        policy: ``next max`` (seconds) and ``factor``.
        tries: which restart it is since the last quiet time; the first is at once.
    """
    if tries == 1:
        return 0.0
    delay = min(policy["max"], policy["next"] * policy["factor"] ** (tries - 2))
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
