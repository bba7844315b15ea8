"""The life of an instance: it waits, starts, is watched, and is restarted by its policy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

from booty.run import probe as probes
from booty.supervise import remains, starting
from booty.supervise.fill import fill
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from booty.run.loop import Task
    from booty.run.process import Exit
    from booty.supervise.supervisor import Supervisor
    from booty.supervise.unit import Unit

__all__ = [
    "accepted",
    "bootstrap_service",
    "go_on_starting",
    "live",
    "look",
    "look_from_now",
    "satisfied",
    "unmet",
    "unsettled",
    "watch",
    "watch_and_restart",
]

T = TypeVar("T")
UNTIL: Final = {
    "started": frozenset({"starting", "bootstrapping", "ready", "degraded", "done"}),
    "ready": frozenset({"ready", "degraded", "done"}),
    "good": frozenset({"ready"}),
    "done": frozenset({"done"}),
}
BOOTSTRAP_LIMIT: Final = 120.0
HEALTH_LIMIT: Final = 20.0
GOOD_PAUSE: Final = 0.25
SETTLE: Final = 0.1
"""Seconds in which the end of a program that has no probe is a failed start."""
JITTER: Final = 0.1


def satisfied(sup: Supervisor, need: dict[str, Any]) -> bool:
    """Tell whether what an instance waits for is there."""
    names = [name for name in need["instances"] if name.partition(".")[0] not in sup.without]
    there = [name for name in names if _reached(sup, name, need["until"])]
    wanted = {"any": 1, "quorum": len(names) // 2 + 1}.get(need["of"], len(names))
    return len(there) >= min(wanted, len(names))


def _reached(sup: Supervisor, name: str, until: str) -> bool:
    unit = sup.units.get(name)
    if unit is None or unit.state not in UNTIL[until]:
        return False
    if until != "good":
        return True
    return bool((unit.row.get("health") or {}).get("good"))


def unmet(sup: Supervisor, unit: Unit) -> list[dict[str, Any]]:
    """Return the needs of an instance that are not met."""
    return [need for need in unit.entry["needs"] if not satisfied(sup, need)]


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
    begin, pid = sup.loop.now(), unit.process.pid if unit.process else None
    unit.up_since = begin
    ended = await watch(sup, unit)
    if ended is None:
        return None
    if _ends_well(sup, unit, ended):
        await remains.end_left(sup, unit, pid)
        return None
    at_once = unsettled(unit, sup.loop.now()) > 0
    await remains.end_of(sup, unit, pid)
    if at_once:
        _fail_start(sup, unit, ended)
        return None
    unit.settled = True
    if sup.loop.now() - begin >= unit.entry["restart"]["reset"]:
        tries = 0
    return await _again(sup, unit, tries + 1, f"ended with {starting.ending(ended)}")


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
    passed = {"bootstrapping", "ready", "degraded"}
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
    """Watch an instance that is up; returns how it ended, ``None`` for an external one that went.

    A task is watched from its start: its end is what it is for.
    """
    unit.watched = True
    look_from_now(sup, unit)
    try:
        if unit.process is None:
            await sup.loop.first(sup.loop.future())
            return None
        await sup.loop.first(unit.process.gone)
    finally:
        unit.watched = False
        _look_no_more(unit)
    return await sup.take_exit(unit)


def look_from_now(sup: Supervisor, unit: Unit) -> None:
    """Begin the ``live`` looks at an instance that is up, as its entry says now."""
    _look_no_more(unit)
    if unit.watched and unit.entry["live"] is not None:
        unit.looks = sup.loop.task(_look_again_and_again(sup, unit))
    elif unit.state == "degraded":
        unit.to("ready")  # nobody looks any more who could take it back


def _look_no_more(unit: Unit) -> None:
    if unit.looks is not None:
        unit.looks.cancel()
    unit.looks = None


async def _look_again_and_again(sup: Supervisor, unit: Unit) -> None:
    probe = fill(unit.entry["live"], sup.values.lookup(unit.name))
    failures = 0
    while True:
        await sup.loop.sleep(float(probe.get("interval") or 10.0))
        why = await probes.look(sup.loop, probe, sup.around(unit))
        failures = failures + 1 if why else 0
        if failures >= int(probe["failures"]) and unit.state == "ready":
            unit.to("degraded", why)
        elif not why and unit.state == "degraded":
            unit.to("ready")


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
    delay = _delay(policy, tries)
    if delay:
        unit.to("backoff", f"{reason}; restarted in {delay:.1f} s")
    unit.note(restarts=int(unit.row["restarts"]) + 1)
    if delay:
        await sup.loop.sleep(delay)
    sup.restart_leaning(unit)
    return tries


def _delay(policy: dict[str, Any], tries: int) -> float:
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


async def look(sup: Supervisor, unit: Unit) -> dict[str, Any]:
    """Take a look at an instance's health and note it."""
    found: dict[str, Any] = {"alive": None, "ready": None, "good": None, "reason": None}
    if unit.process is None and not unit.external:
        found |= {"alive": False, "ready": False, "good": False, "reason": unit.state}
    elif "health" in sup.hooks.of(unit):
        try:
            found |= await sup.hooks.call(unit, "health", HEALTH_LIMIT)
        except (Unknown, ControlError) as error:
            found["reason"] = f"unknown: {error}"
    else:
        found |= await _by_probe(sup, unit)
    found["at"] = sup.journal.now()
    unit.note(health=found)
    sup.wake()
    return found


async def _by_probe(sup: Supervisor, unit: Unit) -> dict[str, Any]:
    probe = unit.entry["live"] or unit.entry["ready"]
    up = unit.state in UNTIL["ready"]
    if probe is None or probe.get("log") or probe.get("notify"):
        return {"alive": True, "ready": up, "good": up, "reason": None if up else unit.state}
    lookup = sup.values.lookup(unit.name)
    why = await probes.look(sup.loop, fill(probe, lookup), sup.around(unit))
    return {"alive": True, "ready": not why, "good": not why, "reason": why or None}
