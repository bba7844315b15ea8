"""The bootstrap of each service: its resources are made once all its instances are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty.supervise import state
from booty.supervise.needs import UP

if TYPE_CHECKING:
    from booty.run.loop import Task
    from booty.supervise.holdings import Holdings
    from booty.supervise.hooks import Hooks
    from booty.supervise.membership import Members

__all__ = ["Bootstraps"]

LIMIT: Final = 120.0
"""Seconds that one may take."""


class Bootstraps:
    """What is made of the resources of services, and what is due.

    Args:
        held: what the supervisor holds.
        hooks: calls the hook.
        members: writes down what a service holds.

    Attributes:
        passed: services whose bootstrap has passed since the change under way began.
    """

    def __init__(self, held: Holdings, hooks: Hooks, members: Members) -> None:
        self._held = held
        self._hooks = hooks
        self._members = members
        self._under_way: dict[str, Task[None]] = {}
        self.passed: set[str] = set()

    def due(self, service: str, *, fresh: bool = False) -> bool:
        """Tell whether a service's resources must be made (again)."""
        digest = self._held.sheet["services"][service]["bootstrap"]
        if digest is None:
            return False
        if fresh or service in self._under_way:
            return True
        try:
            saved = state.read_json(self._held.folder.service(service)) or {}
        except ValueError:
            return True
        return bool(saved.get("bootstrapped") != digest)

    def of(self, service: str) -> Task[None]:
        """Return the one bootstrap of a service that is under way, begin it if there is none.

        Its task raises ControlError where the hook raised, Unknown where its worker hangs or died.
        """
        work = self._under_way.get(service)
        if work is None or work.done:
            work = self._held.loop.task(self._make(service))
            self._under_way[service] = work
            work.on_done(lambda: self._over(service))
        return work

    def _over(self, service: str) -> None:
        self._under_way.pop(service, None)
        self._held.wake()

    async def _make(self, service: str) -> None:
        held = self._held
        entry, units = held.sheet["services"][service], held.units
        names, passed = entry["instances"], {"bootstrapping", *UP}
        while not all(units[name].state in passed for name in names if name in units):
            await held.change()
        own = [self._hooks.filled(units[name]) for name in names if name in units]
        begin = held.loop.now()
        data = {"name": service, "instances": own}
        await self._hooks.call_provider(entry["provider"], "bootstrap", LIMIT, service=data)
        self._note(service)
        held.span("bootstrap", units[names[0]], begin)

    def _note(self, service: str) -> None:
        entry = self._held.sheet["services"][service]
        self._members.write(service, bootstrapped=entry["bootstrap"])
        self.passed.add(service)
        for name in entry["instances"]:
            if name in self._held.units:
                self._held.units[name].fresh = False
