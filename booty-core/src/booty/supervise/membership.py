"""Instances that become members of a service that is there already, and those that leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.supervise import files, state, stopping
from booty.supervise.change import UP
from booty.supervise.fill import fill
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booty.supervise.supervisor import Supervisor
    from booty.supervise.unit import Unit

__all__ = ["Members"]

HOOK_LIMIT: Final = 120.0
"""Seconds that ``join`` and ``leave`` may take, each."""
DRAIN_LIMIT: Final = 600.0
"""Seconds that moving data away may take if the run sheet, an older one, does not say."""
LOOK: Final = 1.0
"""Seconds until a ``drain`` that is still moving data is asked again."""
KEYS: Final = frozenset(("join", "drain", "leave"))


class Members:
    """Who belongs to each service, written down so that nothing is done twice or left out.

    ``state/services/<name>.json`` holds ``members``, and by name those that are ``leaving``: their
    provider, what hooks see of them, and whether they are drained.

    Args:
        sup: the supervisor.
    """

    def __init__(self, sup: Supervisor) -> None:
        self._sup = sup
        self._joining: set[str] = set()
        self.drained: set[str] = set()

    # -- what is written down

    def _read(self, service: str) -> dict[str, Any]:
        return state.quiet(self._sup.folder.service(service)) or {}

    def write(self, service: str, **changes: Any) -> None:
        """Change what is written down about a service."""
        saved = {"format": 1, **self._read(service), **changes}
        self._sup.write(self._sup.folder.service(service), saved)

    def _without(self, service: str, name: str) -> None:
        saved = self._read(service)
        members = [one for one in saved.get("members") or () if one != name]
        leaving = {key: one for key, one in (saved.get("leaving") or {}).items() if key != name}
        self.write(service, members=members, leaving=leaving)

    def _cares(self, service: str) -> frozenset[str]:
        sheet = self._sup.sheet
        provider = sheet["services"].get(service, {}).get("provider")
        return KEYS & set(sheet["providers"].get(provider, {}).get("hooks", ()))

    def settle(self) -> None:
        """Take note of who the services of a new sheet have; of a new service all at once."""
        for name, service in self._sup.sheet["services"].items():
            if not self._cares(name):
                continue
            saved, own = self._read(name), list(service["instances"])
            if saved.get("members") is None:
                known = [one for one in own if self._ran(one)]
                self.write(name, members=known or own)
            for one in sorted(set(saved.get("leaving") or ()) & set(own)):
                self._without(name, one)  # it stays after all: it joins again

    def _ran(self, name: str) -> bool:
        unit = self._sup.units.get(name)
        return unit is not None and unit.row["digest"] is not None

    # -- out

    def hooked(self, names: Iterable[str]) -> list[str]:
        """Return those of some instances that are taken out one by one, the first first."""
        units = self._sup.units
        own = [
            units[name] for name in names if {"drain", "leave"} & self._sup.hooks.of(units[name])
        ]
        return [unit.name for unit in sorted(own, key=lambda unit: -int(unit.entry["index"]))]

    async def take_out(self, unit: Unit, stays: Iterable[str]) -> None:
        """Drain an instance, stop it, and have its service forget it.

        Args:
            unit: the instance; its service goes on without it.
            stays: names of the instances that stay.

        Raises:
            ControlError: its data cannot be moved, or the others do not let it go.
            Unknown: the provider does not answer.
        """
        service = unit.entry["service"]
        if unit.process is None and not files.marker(unit.name, self._sup.values):
            self._without(service, unit.name)
            return  # it never ran, or it was destroyed: nobody knows it
        leaving = dict(self._read(service).get("leaving") or {})
        known = leaving.get(unit.name) or {"drained": False}
        leaving[unit.name] = {**known, **self._papers(unit, set(stays))}
        self.write(service, leaving=leaving)
        if not known["drained"]:
            await self._drain(unit, leaving[unit.name])
            leaving[unit.name]["drained"] = True
            self.write(service, leaving=leaving)
        self.drained.add(unit.name)
        self._sup.desire(unit.name, up=False)
        await stopping.stop_level(self._sup, [unit], drain=True)
        self.drained.discard(unit.name)
        if self._answers(service, stays):
            await self._leave(service, unit.name)

    def _papers(self, unit: Unit, stays: set[str]) -> dict[str, Any]:
        instance = dict(unit.entry["instance"])
        instance["peers"] = [one for one in instance.get("peers") or () if one["name"] in stays]
        return {"provider": unit.entry["provider"], "instance": instance}

    def _answers(self, service: str, stays: Iterable[str]) -> bool:
        units = [self._sup.units[name] for name in stays if name in self._sup.units]
        return any(unit.state in UP for unit in units if unit.entry["service"] == service)

    async def _drain(self, unit: Unit, papers: dict[str, Any]) -> None:
        sup = self._sup
        if "drain" not in sup.hooks.of(unit):
            return
        if unit.process is None:
            raise _not_running(unit)
        limit = float(unit.entry["stop"].get("drain_timeout") or DRAIN_LIMIT)
        end, said = sup.loop.now() + limit, None
        while pending := await self._asked(unit, papers, end - sup.loop.now()):
            if pending != said:
                sup.journal.tell("drain", unit.name, pending=pending)
            said = pending
            if sup.loop.now() + LOOK >= end:
                raise _too_long(unit, limit, pending)
            await sup.loop.sleep(LOOK)

    async def _asked(self, unit: Unit, papers: dict[str, Any], limit: float) -> str:
        answer = await self._sup.hooks.call_provider(
            papers["provider"], "drain", limit, instance=self._filled(papers), leaving=True
        )
        return str(answer.get("value") or "")

    def _filled(self, papers: dict[str, Any]) -> dict[str, Any]:
        look = self._sup.values.lookup(str(papers["instance"].get("name")))

        def known(reference: str) -> str:
            try:
                return look(reference)
            except ControlError:
                return ""  # its own secrets are in no plan any more; those of its service are

        found: dict[str, Any] = fill(papers["instance"], known)
        return found

    async def _leave(self, service: str, name: str) -> None:
        sup = self._sup
        papers = self._read(service)["leaving"][name]
        hooks = sup.sheet["providers"].get(papers["provider"], {}).get("hooks", ())
        if "leave" in hooks:
            provider, instance = papers["provider"], self._filled(papers)
            await sup.hooks.call_provider(provider, "leave", HOOK_LIMIT, instance=instance)
            files.mark_left(name, sup.values)
        self._without(service, name)

    async def finish(self) -> None:
        """Do what an earlier change has left: who has gone leaves, who is there again joins.

        Raises:
            ControlError: a hook failed; the next change tries again.
            Unknown: a provider does not answer.
        """
        for service, own in self._sup.sheet["services"].items():
            if not self._cares(service):
                continue
            for name in list(self._read(service).get("leaving") or {}):
                await self._leave(service, name)
            for name in own["instances"]:
                unit = self._sup.units.get(name)
                joined = unit is not None and unit.state in UP and await self.join(unit)
                if joined and self._sup.hooks.bootstrap_due(service, fresh=True):
                    await self._sup.hooks.bootstrapping(service)

    # -- in

    def lacks(self, unit: Unit) -> bool:
        """Tell whether an instance is to become a member."""
        service = unit.entry["service"]
        members = self._read(service).get("members")
        wanted = members is not None and unit.name not in members
        return wanted and bool(self._cares(service))

    async def join(self, unit: Unit) -> bool:
        """Make an instance a member if it is none; tells whether it was made one.

        Raises:
            ControlError: the others do not take it.
            Unknown: the provider does not answer.
        """
        service = unit.entry["service"]
        while service in self._joining:
            await self._sup.change()  # one after the other
        if not self.lacks(unit):
            return False
        self._joining.add(service)
        try:
            if "join" in self._sup.hooks.of(unit):
                await self._sup.hooks.call(unit, "join", HOOK_LIMIT)
            members = self._read(service).get("members") or []
            self.write(service, members=sorted({*members, unit.name}))
        finally:
            self._joining.discard(service)
            self._sup.wake()
        return True


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
