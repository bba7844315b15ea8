"""Hooks of providers, called about instances; and the bootstrap of each service."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Final

from booty.supervise import living, state
from booty.supervise.complaint import complain
from booty.supervise.fill import fill
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from booty.run.loop import Task
    from booty.supervise.supervisor import Supervisor
    from booty.supervise.unit import Unit

__all__ = ["Hooks"]

EVENT_LIMIT: Final = 5.0
"""Seconds that a provider may take to hear of one event."""
UNHEARD: Final = 256
"""Events that wait for a slow hearer; the oldest are dropped."""


class Hooks:
    """Calls hooks by the workers of a supervisor.

    Args:
        sup: the supervisor.
    """

    def __init__(self, sup: Supervisor) -> None:
        self._sup = sup
        self._bootstraps: dict[str, Task[None]] = {}
        self._unheard: dict[str, collections.deque[dict[str, Any]]] = {}
        sup.journal.listeners.append(self.tell)

    def tell(self, event: dict[str, Any]) -> None:
        """Let the providers hear of an event that want to; nobody waits for them."""
        for name, provider in self._sup.sheet["providers"].items():
            if "event" not in provider.get("hooks", ()):
                continue
            if name in self._unheard:
                self._unheard[name].append(event)
                continue
            self._unheard[name] = collections.deque((event,), maxlen=UNHEARD)
            self._sup.loop.task(self._hear(name, self._unheard[name]))

    async def _hear(self, name: str, waiting: collections.deque[dict[str, Any]]) -> None:
        while waiting:
            try:
                await self.call_provider(name, "event", EVENT_LIMIT, event=waiting.popleft())
            except (Unknown, ControlError, KeyError) as error:
                complain(f'provider "{name}" did not hear of an event: {error}')
        del self._unheard[name]

    def of(self, unit: Unit) -> set[str]:
        """Return the hooks that an instance's provider implements."""
        return set(self._sup.sheet["providers"].get(unit.entry["provider"], {}).get("hooks", ()))

    async def call(self, unit: Unit, verb: str, limit: float, **more: Any) -> dict[str, Any]:
        """Call a hook about one instance."""
        provider = unit.entry["provider"]
        return await self.call_provider(provider, verb, limit, instance=self.filled(unit), **more)

    async def call_provider(
        self, provider: str, verb: str, limit: float, **arguments: Any
    ) -> dict[str, Any]:
        """Call a hook of a provider."""
        entry = self._sup.sheet["providers"][provider]
        return await self._sup.workers.call(provider, entry, verb, limit, **arguments)

    def filled(self, unit: Unit) -> dict[str, Any]:
        """Return an instance as hooks see it, with true values."""
        found: dict[str, Any] = fill(unit.entry["instance"], self._sup.values.lookup(unit.name))
        return found

    def bootstrap_due(self, service: str, *, fresh: bool = False) -> bool:
        """Tell whether a service's resources must be made (again)."""
        digest = self._sup.sheet["services"][service]["bootstrap"]
        if digest is None:
            return False
        if fresh or service in self._bootstraps:
            return True
        try:
            saved = state.read_json(self._sup.folder.service(service)) or {}
        except ValueError:
            return True
        return bool(saved.get("bootstrapped") != digest)

    def bootstrapping(self, service: str) -> Task[None]:
        """Return the one bootstrap of a service that is under way, begin it if there is none."""
        work = self._bootstraps.get(service)
        if work is None or work.done:
            work = self._sup.loop.task(living.bootstrap_service(self._sup, service))
            self._bootstraps[service] = work
            work.on_done(lambda: self._bootstrapped(service))
        return work

    def _bootstrapped(self, service: str) -> None:
        self._bootstraps.pop(service, None)
        self._sup.wake()

    def note_bootstrapped(self, service: str) -> None:
        """Write down which resources a service holds."""
        digest = self._sup.sheet["services"][service]["bootstrap"]
        self._sup.members.write(service, bootstrapped=digest)
        if self._sup.convergence is not None:
            self._sup.convergence.bootstrapped.add(service)
        for name in self._sup.sheet["services"][service]["instances"]:
            if name in self._sup.units:
                self._sup.units[name].fresh = False
