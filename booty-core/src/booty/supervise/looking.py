"""Looks at an instance that is up: in its own rhythm, or on demand; and what follows from them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

from booty.run import probe as probes
from booty.supervise import starting
from booty.supervise.fill import fill
from booty.supervise.needs import UP
from booty.supervise.unforeseen import warned
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = ["look", "look_from_now", "look_no_more", "stops_itself", "unhealthy"]

HEALTH_LIMIT: Final = 20.0


def look_from_now(sup: Supervision, unit: Unit) -> None:
    """Begin the ``live`` looks at an instance that is up, as its entry says now."""
    look_no_more(unit)
    if unit.watched and unit.entry["live"] is not None:
        looks = _look_again_and_again(sup, unit)
        unit.looks = sup.loop.task(warned(sup, unit, looks, "look at it"))
    elif unit.state == "degraded":
        unit.to("ready")  # nobody looks any more who could take it back


def look_no_more(unit: Unit) -> None:
    """End the ``live`` looks at an instance."""
    if unit.looks is not None:
        unit.looks.cancel()
    unit.looks = None


async def _look_again_and_again(sup: Supervision, unit: Unit) -> None:
    probe = fill(unit.entry["live"], sup.values.lookup(unit.name))
    failures = 0
    while True:
        try:
            why = await _look_once(sup, unit, probe)
        except probes.Unable:
            continue  # unknown is not unhealthy
        failures = failures + 1 if why else 0
        if not why:
            unit.well_until = sup.loop.now()
        if failures >= int(probe["failures"]):
            unhealthy(sup, unit, why)
        elif not why and unit.state == "degraded":
            unit.to("ready")


async def _look_once(sup: Supervision, unit: Unit, probe: dict[str, Any]) -> str:
    interval = float(probe.get("interval") or starting.LOOKS)
    if not probe.get("notify"):
        await sup.loop.sleep(interval)
        return await probes.look(sup.loop, probe, sup.around(unit))
    interval = unit.said.interval or interval
    heard = await unit.said.first(unit.said.beat, timeout=interval)
    return "" if heard else f"no WATCHDOG=1 within {interval:g} s"


def unhealthy(sup: Supervision, unit: Unit, why: str) -> None:
    """Take note that an instance runs and does not do its job: it is restarted if it may be."""
    if unit.state not in {"ready", "degraded"} or unit.stopping or unit.said.stopping:
        return
    if unit.state == "ready":
        unit.to("degraded", why)
    if unit.process is not None and unit.entry["restart"]["policy"] != "never":
        unit.unhealthy.set(why)
    sup.wake()


def stops_itself(sup: Supervision, unit: Unit) -> None:
    """Take note that a program says that it stops: it has its grace for it, as if asked."""
    look_no_more(unit)
    if unit.state in {"ready", "degraded"}:
        unit.to(unit.state, "stops by itself")
    sup.loop.task(_until_stopped(unit))


async def _until_stopped(unit: Unit) -> None:
    process = unit.process
    if process is None:
        return
    grace = float(unit.entry["stop"]["grace"])
    if await unit.said.first(process.gone, timeout=grace) is None and not unit.stopping:
        process.send_group(signal.SIGKILL)
        process.send(signal.SIGKILL)


async def look(sup: Supervision, unit: Unit) -> dict[str, Any]:
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


async def _by_probe(sup: Supervision, unit: Unit) -> dict[str, Any]:
    probe = unit.entry["live"] or unit.entry["ready"]
    up = unit.state in {"bootstrapping", *UP}  # its probes have passed
    if probe is None or probe.get("log") or probe.get("notify"):
        return {"alive": True, "ready": up, "good": up, "reason": None if up else unit.state}
    lookup = sup.values.lookup(unit.name)
    try:
        why = await probes.look(sup.loop, fill(probe, lookup), sup.around(unit))
    except probes.Unable as error:
        return {"reason": f"unknown: {error}"}
    return {"alive": True, "ready": not why, "good": not why, "reason": why or None}
