"""Who belongs to each service: instances that join one that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.supervise import state

if TYPE_CHECKING:
    from booty.supervise.holdings import Holdings
    from booty.supervise.hooks import Hooks
    from booty.supervise.unit import Unit

__all__ = ["HOOK_LIMIT", "Members"]

HOOK_LIMIT: Final = 120.0
"""Seconds that ``join`` and ``leave`` may take, each."""
KEYS: Final = frozenset(("join", "drain", "leave"))


class Members:
    """Who belongs to each service, written down so that nothing is done twice or left out.

    ``state/services/<name>.json`` holds ``members``, and by name those that are ``leaving``: their
    provider, what hooks see of them, and whether they are drained.

    Args:
        held: what the supervisor holds.
        hooks: calls ``join``.

    Attributes:
        drained: instances whose data was moved away; their stop need not ask for it again.
    """

    def __init__(self, held: Holdings, hooks: Hooks) -> None:
        self._held = held
        self._hooks = hooks
        self._joining: set[str] = set()
        self.drained: set[str] = set()

    # -- what is written down

    def read(self, service: str) -> dict[str, Any]:
        """Return what is written down about a service."""
        return state.quiet(self._held.folder.service(service)) or {}

    def write(self, service: str, **changes: Any) -> None:
        """Change what is written down about a service."""
        saved = {"format": 1, **self.read(service), **changes}
        self._held.write(self._held.folder.service(service), saved)

    def forget(self, service: str, name: str) -> None:
        """Let an instance belong to a service no more, nor be about to leave it."""
        saved = self.read(service)
        members = [one for one in saved.get("members") or () if one != name]
        leaving = {key: one for key, one in (saved.get("leaving") or {}).items() if key != name}
        self.write(service, members=members, leaving=leaving)

    def cares(self, service: str) -> frozenset[str]:
        """Return which hooks about members a service's provider has."""
        sheet = self._held.sheet
        provider = sheet["services"].get(service, {}).get("provider")
        return KEYS & set(sheet["providers"].get(provider, {}).get("hooks", ()))

    def settle(self) -> None:
        """Take note of who the services of a new sheet have; of a new service all at once."""
        for name, service in self._held.sheet["services"].items():
            if not self.cares(name):
                continue
            saved, own = self.read(name), list(service["instances"])
            if saved.get("members") is None:
                known = [one for one in own if self._ran(one)]
                self.write(name, members=known or own)
            for one in sorted(set(saved.get("leaving") or ()) & set(own)):
                self.forget(name, one)  # it stays after all: it joins again

    def _ran(self, name: str) -> bool:
        unit = self._held.units.get(name)
        return unit is not None and unit.row["digest"] is not None

    # -- in

    def lacks(self, unit: Unit) -> bool:
        """Tell whether an instance is to become a member."""
        service = unit.entry["service"]
        if not self.cares(service):
            return False
        members = self.read(service).get("members")
        return members is not None and unit.name not in members

    async def join(self, unit: Unit) -> bool:
        """Make an instance a member if it is none; tells whether it was made one.

        Raises:
            ControlError: the others do not take it.
            Unknown: the provider does not answer.
        """
        service = unit.entry["service"]
        while service in self._joining:
            await self._held.change()  # one after the other
        if not self.lacks(unit):
            return False
        self._joining.add(service)
        try:
            if "join" in self._hooks.of(unit):
                await self._hooks.call(unit, "join", HOOK_LIMIT)
            members = self.read(service).get("members") or []
            self.write(service, members=sorted({*members, unit.name}))
        finally:
            self._joining.discard(service)
            self._held.wake()
        return True
