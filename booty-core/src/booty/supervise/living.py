"""The life of an instance: it waits, starts, is watched, and is restarted by its policy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

from booty.supervise import looking, remains, starting
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from booty.run.loop import Task
    from booty.run.process import Exit
    from booty.supervise.supervisor import Supervisor
    from booty.supervise.unit import Unit

__all__ = [
    "accepted",
    "begin",
    "bootstrap_service",
    "go_on_starting",
    "judge",
    "live",
    "pause",
    "satisfied",
    "unmet",
    "unsettled",
    "watch",
    "watch_and_restart",
]

T = TypeVar("T")
UNTIL: Final = {
    "started": frozenset({"starting", "bootstrapping", "ready", "degraded", "done"}),
    "ready": looking.UP,
    "good": frozenset({"ready"}),
    "done": frozenset({"done"}),
}
BOOTSTRAP_LIMIT: Final = 120.0
GOOD_PAUSE: Final = 0.25
SETTLE: Final = 0.1
"""Seconds in which the end of a program that has no probe is a failed start."""
JITTER: Final = 0.1


def satisfied(sup: Supervisor, need: dict[str, Any], service: str) -> bool:
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


def _reached(sup: Supervisor, name: str, until: str, states: frozenset[str]) -> bool:
    unit = sup.units.get(name)
    if unit is None or unit.state not in states:
        return False
    if until != "good":
        return True
    return bool((unit.row.get("health") or {}).get("good"))


def unmet(sup: Supervisor, unit: Unit) -> list[dict[str, Any]]:
    """Return the needs of an instance that are not met."""
    service = unit.entry["service"]
    return [need for need in unit.entry["needs"] if not satisfied(sup, need, service)]


async def begin(sup: Supervisor, unit: Unit) -> None:
    """Bring an instance up; what was started of it meanwhile, from another entry, ends before."""
    if unit.process is not None:
        await sup.clear(unit)
    await live(sup, unit)


async def live(sup: Supervisor, unit: Unit) -> None:
    """Bring an instance up and keep it up, until somebody stops it or its policy ends it."""
    unit.ever_ready = False
    unit.settled = False
    await _live(sup, unit, 0)


async def watch_and_restart(sup: Supervisor, unit: Unit) -> None:
    """Go on with an adopted instance that is up: watch it, restart it by its policy."""
    tries = await _after(sup, unit, 0)
    if tries is not None:
        await _live(sup, unit, tries)


def judge(sup: Supervisor, unit: Unit, ended: Exit) -> None:
    """Go on with a task that ended while nobody watched, as if somebody had."""
    unit.task = sup.loop.task(_judge(sup, unit, ended))


async def _judge(sup: Supervisor, unit: Unit, ended: Exit) -> None:
    if not _ends_well(sup, unit, ended):
        tries = await _again(sup, unit, 1, f"ended with {starting.ending(ended)}")
        if tries is not None:
            await _live(sup, unit, tries)


async def go_on_starting(sup: Supervisor, unit: Unit) -> None:
    """Go on with an adopted instance that was in the middle of its start."""
    await _live(sup, unit, 0, spawned=True)


async def _live(sup: Supervisor, unit: Unit, tries: int, *, spawned: bool = False) -> None:
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


async def _after(sup: Supervisor, unit: Unit, tries: int) -> int | None:
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


def _called_off(sup: Supervisor, unit: Unit) -> bool:
    # it was asked to stop while it was being ended for a restart
    if sup.ending is None and not sup.unwanted(unit.name):
        return False
    unit.to("stopped")
    return True


async def _replaced(sup: Supervisor, unit: Unit, tries: int, begin: float) -> int | None:
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


async def _wait_for_needs(sup: Supervisor, unit: Unit) -> None:
    while unit.stopping or unit.state == "stopping":
        await sup.change()  # it is wanted again while its stop is under way
    while left := unmet(sup, unit):
        names = ", ".join(need["service"] for need in left)
        unit.to("configured", f"waits for {names}")
        for need in left:
            if need["until"] == "good":
                sup.good.want(need["instances"])
        await sup.change()
    if unit.state != "configured":
        unit.to("configured")


async def _start(sup: Supervisor, unit: Unit, *, spawned: bool) -> ControlError | None:
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


async def _bootstrapped(sup: Supervisor, unit: Unit) -> None:
    # one that nobody has to take in may have ended by now, and well
    joined = sup.members.lacks(unit)
    if joined:
        joined = await _unless_gone(sup, unit, sup.loop.task(sup.members.join(unit)))
    if sup.hooks.bootstrap_due(unit.entry["service"], fresh=unit.fresh or joined):
        unit.to("bootstrapping")
        await _unless_gone(sup, unit, sup.hooks.bootstrapping(unit.entry["service"]))


async def _unless_gone(sup: Supervisor, unit: Unit, work: Task[T]) -> T:
    gone = [unit.process.gone] if unit.process else []
    done = await sup.loop.first(*gone, work)
    if done is not work:
        raise await starting.early_end(sup, unit)
    return work.result()


async def bootstrap_service(sup: Supervisor, service: str) -> None:
    """Run a service's bootstrap once all its instances have passed their probes.

    Raises:
        ControlError: the hook raised.
        Unknown: its worker hangs or died.
    """
    names = sup.sheet["services"][service]["instances"]
    passed = {"bootstrapping", *looking.UP}
    while not all(sup.units[name].state in passed for name in names if name in sup.units):
        await sup.change()
    own = [sup.hooks.filled(sup.units[name]) for name in names if name in sup.units]
    begin = sup.loop.now()
    data = {"name": service, "instances": own}
    provider = sup.sheet["services"][service]["provider"]
    await sup.hooks.call_provider(provider, "bootstrap", BOOTSTRAP_LIMIT, service=data)
    sup.hooks.note_bootstrapped(service)
    sup.span("bootstrap", sup.units[names[0]], begin)


async def watch(sup: Supervisor, unit: Unit) -> Exit | None:
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


def accepted(unit: Unit, ended: Exit) -> bool:
    """Tell whether an end counts as clean; an unknown one does not."""
    codes = set(unit.entry["exit_codes"])
    return ended.code in codes or (ended.signal is not None and -ended.signal in codes)


def _ends_well(sup: Supervisor, unit: Unit, ended: Exit) -> bool:
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


def _fail_start(sup: Supervisor, unit: Unit, ended: Exit) -> None:
    # without a probe it counted as ready when it was spawned: this is how a failed start looks
    fault = starting.ended_early(sup, unit, ended)
    unit.to("failed", fault.message)
    sup.failed(unit, fault)


async def _again(sup: Supervisor, unit: Unit, tries: int, reason: str) -> int | None:
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


def _give_up(sup: Supervisor, unit: Unit, why: str) -> None:
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
