"""Instances that leave a service that goes on: drained, stopped, forgotten by the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.supervise import files, stopping
from booty.supervise.change import UP
from booty.supervise.fill import fill
from booty.supervise.membership import HOOK_LIMIT
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

__all__ = ["finish", "hooked", "take_out"]

DRAIN_LIMIT: Final = 600.0
"""Seconds that moving data away may take if the run sheet, an older one, does not say."""
LOOK: Final = 1.0
"""Seconds until a ``drain`` that is still moving data is asked again."""


def hooked(sup: Supervision, names: Iterable[str]) -> list[str]:
    """Return those of some instances that are taken out one by one, the first first."""
    units = sup.units
    own = [units[name] for name in names if {"drain", "leave"} & sup.hooks.of(units[name])]
    return [unit.name for unit in sorted(own, key=lambda unit: -int(unit.entry["index"]))]


async def take_out(sup: Supervision, unit: Unit, stays: Iterable[str]) -> None:
    """Drain an instance, stop it, and have its service forget it.

    Args:
        sup: the supervisor.
        unit: the instance; its service goes on without it.
        stays: names of the instances that stay.

    Raises:
        ControlError: its data cannot be moved, or the others do not let it go.
        Unknown: the provider does not answer.
    """
    service = unit.entry["service"]
    if unit.process is None and not files.marker(unit.name, sup.values):
        sup.members.forget(service, unit.name)
        return  # it never ran, or it was destroyed: nobody knows it
    leaving = dict(sup.members.read(service).get("leaving") or {})
    known = leaving.get(unit.name) or {"drained": False}
    leaving[unit.name] = {**known, **_papers(unit, set(stays))}
    sup.members.write(service, leaving=leaving)
    if not known["drained"]:
        await _drain(sup, unit, leaving[unit.name])
        leaving[unit.name]["drained"] = True
        sup.members.write(service, leaving=leaving)
    sup.members.drained.add(unit.name)
    sup.desire(unit.name, up=False)
    await stopping.stop_level(sup, [unit], drain=True)
    sup.members.drained.discard(unit.name)
    if _answers(sup, service, stays):
        await _leave(sup, service, unit.name)


def _papers(unit: Unit, stays: set[str]) -> dict[str, Any]:
    instance = dict(unit.entry["instance"])
    instance["peers"] = [one for one in instance.get("peers") or () if one["name"] in stays]
    return {"provider": unit.entry["provider"], "instance": instance}


def _answers(sup: Supervision, service: str, stays: Iterable[str]) -> bool:
    units = [sup.units[name] for name in stays if name in sup.units]
    return any(unit.state in UP for unit in units if unit.entry["service"] == service)


async def _drain(sup: Supervision, unit: Unit, papers: dict[str, Any]) -> None:
    if "drain" not in sup.hooks.of(unit):
        return
    if unit.process is None:
        raise _not_running(unit)
    limit = float(unit.entry["stop"].get("drain_timeout") or DRAIN_LIMIT)
    end, said = sup.loop.now() + limit, None
    while pending := await _asked(sup, papers, end - sup.loop.now()):
        if pending != said:
            sup.journal.tell("drain", unit.name, pending=pending)
        said = pending
        if sup.loop.now() + LOOK >= end:
            raise _too_long(unit, limit, pending)
        await sup.loop.sleep(LOOK)


async def _asked(sup: Supervision, papers: dict[str, Any], limit: float) -> str:
    answer = await sup.hooks.call_provider(
        papers["provider"], "drain", limit, instance=_filled(sup, papers), leaving=True
    )
    return str(answer.get("value") or "")


def _filled(sup: Supervision, papers: dict[str, Any]) -> dict[str, Any]:
    look = sup.values.lookup(str(papers["instance"].get("name")))

    def known(reference: str) -> str:
        try:
            return look(reference)
        except ControlError:
            return ""  # its own secrets are in no plan any more; those of its service are

    found: dict[str, Any] = fill(papers["instance"], known)
    return found


async def _leave(sup: Supervision, service: str, name: str) -> None:
    papers = sup.members.read(service)["leaving"][name]
    hooks = sup.sheet["providers"].get(papers["provider"], {}).get("hooks", ())
    if "leave" in hooks:
        provider, instance = papers["provider"], _filled(sup, papers)
        await sup.hooks.call_provider(provider, "leave", HOOK_LIMIT, instance=instance)
        files.mark_left(name, sup.values)
    sup.members.forget(service, name)


async def finish(sup: Supervision) -> None:
    """Do what an earlier change has left: who has gone leaves, who is there again joins.

    Raises:
        ControlError: a hook failed; the next change tries again.
        Unknown: a provider does not answer.
    """
    for service, own in sup.sheet["services"].items():
        if not sup.members.cares(service):
            continue
        for name in list(sup.members.read(service).get("leaving") or {}):
            await _leave(sup, service, name)
        for name in own["instances"]:
            unit = sup.units.get(name)
            joined = unit is not None and unit.state in UP and await sup.members.join(unit)
            if joined and sup.bootstraps.due(service, fresh=True):
                await sup.bootstraps.of(service)


def _not_running(unit: Unit) -> ControlError:
    service = unit.entry["service"]
    return ControlError.of(
        f'cannot take "{unit.name}" out of "{service}": it does not run, so its data cannot be'
        " moved to the others",
        reference="drain-not-running",
        status=10,
        subject=unit.name,
        hint=f"write the old number of replicas, booty up -d, then booty scale {service}=N",
    )


def _too_long(unit: Unit, limit: float, pending: str) -> ControlError:
    return ControlError.of(
        f'cannot take "{unit.name}" out of "{unit.entry["service"]}": after {limit:g} s it still'
        f" moves its data: {pending}",
        reference="drain-timeout",
        status=8,
        subject=unit.name,
        hint="it goes on running; booty up -d goes on with it, the old number takes it back",
    )
