"""The life of an instance: it waits, starts, is watched, and is restarted by its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from booty.supervise import goodness, looking, policy, remains, starting
from booty.supervise.needs import unmet
from booty.supervise.unforeseen import guarded
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
    "go_on_waiting",
    "judge",
    "unsettled",
    "watch",
    "watch_and_restart",
]

T = TypeVar("T")
SETTLE: Final = 0.1
"""Seconds in which the end of a program that has no probe is a failed start."""


@guarded
async def begin(sup: Supervision, unit: Unit) -> None:
    """Bring an instance up; what was started of it meanwhile, from another entry, ends before."""
    if unit.process is not None or unit.left:
        await sup.clear(unit)
    unit.left = False
    unit.note(ever_ready=False, tries=0)
    unit.settled = False
    await _live(sup, unit)


@guarded
async def watch_and_restart(sup: Supervision, unit: Unit) -> None:
    """Go on with an adopted instance that is up: watch it, restart it by its policy."""
    if await _after(sup, unit, since=unit.up_since):
        await _live(sup, unit)


def judge(sup: Supervision, unit: Unit, ended: Exit) -> None:
    """Go on with an instance that ended while nobody watched, as if somebody had."""
    # one that was about to be ready again has not done what it is for, whatever its code
    early = unit.entry["kind"] != "task" and unit.state in {"starting", "bootstrapping"}
    if not early and policy.ends_well(sup, unit, ended):
        unit.task = sup.loop.task(remains.end_left(sup, unit, None))
        return
    unit.left = True
    unit.to("backoff", f"ended with {starting.ending(ended)} while nobody watched")
    unit.task = sup.loop.task(_judge(sup, unit))


@guarded
async def _judge(sup: Supervision, unit: Unit) -> None:
    await remains.end_of(sup, unit, None)
    unit.left = False
    # how long it ran after the last look at it nobody can tell
    if await policy.again(sup, unit, str(unit.row["reason"])):
        await _live(sup, unit)


@guarded
async def go_on_waiting(sup: Supervision, unit: Unit) -> None:
    """Go on with an instance that waits for its next try, or that was about to be started again."""
    if unit.state == "backoff":
        await policy.paused(sup, unit, unit.again_at - sup.loop.now())
    await _live(sup, unit)


@guarded
async def go_on_starting(sup: Supervision, unit: Unit) -> None:
    """Go on with an adopted instance that was in the middle of its start."""
    await _live(sup, unit, spawned=True)


async def _live(sup: Supervision, unit: Unit, *, spawned: bool = False) -> None:
    while True:
        if not spawned:
            await _wait_for_needs(sup, unit)
        fault = await _start(sup, unit, spawned=spawned)
        spawned = False
        if fault is None:
            again = await _after(sup, unit)
        elif unit.ever_ready:
            await sup.clear(unit)
            if _called_off(sup, unit):
                return
            again = await policy.again(sup, unit, fault.message)
        else:
            await sup.clear(unit)
            unit.to("failed", fault.message)
            sup.failed(unit, fault)
            return
        if not again:
            return


async def _after(sup: Supervision, unit: Unit, since: float | None = None) -> bool:
    # watches until the end, up since then or now; tells whether it is to be started again
    begin, process = sup.loop.now() if since is None else since, unit.process
    unit.up_since = begin
    unit.said.begin()
    ended = await watch(sup, unit)
    if unit.unhealthy.done:
        return await _replaced(sup, unit, begin)
    session = process.session if process else None
    if ended is None:
        return False
    if policy.ends_well(sup, unit, ended):
        await remains.end_left(sup, unit, session)
        return False
    at_once = unsettled(unit, sup.loop.now()) > 0
    await remains.end_of(sup, unit, session)
    if at_once:
        _fail_start(sup, unit, ended)
        return False
    unit.settled = True
    if sup.loop.now() - begin >= unit.entry["restart"]["reset"]:
        unit.note(tries=0)
    why = f"ended with {starting.ending(ended)}{unit.said.why}"
    return await policy.again(sup, unit, why)


def _called_off(sup: Supervision, unit: Unit) -> bool:
    # it was asked to stop while it was being ended for a restart
    if sup.ending is None and not sup.unwanted(unit.name):
        return False
    unit.to("stopped")
    return True


async def _replaced(sup: Supervision, unit: Unit, begin: float) -> bool:
    # it runs and does not do its job: stopped as asked for, then like one that ended by itself
    why = unit.unhealthy.result()
    sup.journal.tell("unhealthy", unit.name, message=why)
    unit.settled = True
    await sup.clear(unit)
    if _called_off(sup, unit):
        return False
    # only a time in which it was seen well was quiet: else it would be restarted for ever
    if unit.well_until is not None and unit.well_until - begin >= unit.entry["restart"]["reset"]:
        unit.note(tries=0)
    return await policy.again(sup, unit, f"unhealthy: {why}")


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
    if unit.said.stopping:
        looking.stops_itself(sup, unit)  # it said so to a predecessor
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
