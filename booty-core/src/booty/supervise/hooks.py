"""Hooks of providers, called about instances."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Final

from booty.supervise.complaint import complain
from booty.supervise.fill import fill
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from booty.supervise.holdings import Holdings
    from booty.supervise.unit import Unit

__all__ = ["Hooks"]

EVENT_LIMIT: Final = 5.0
"""Seconds that a provider may take to hear of one event."""
UNHEARD: Final = 256
"""Events that wait for a slow hearer; the oldest are dropped."""


class Hooks:
    """Calls hooks by the workers of a supervisor.

    Args:
        held: what the supervisor holds.
    """

    def __init__(self, held: Holdings) -> None:
        self._held = held
        self._unheard: dict[str, collections.deque[dict[str, Any]]] = {}
        held.journal.listeners.append(self.tell)

    def tell(self, event: dict[str, Any]) -> None:
        """Let the providers hear of an event that want to; nobody waits for them."""
        for name, provider in self._held.sheet["providers"].items():
            if "event" not in provider.get("hooks", ()):
                continue
            if name in self._unheard:
                self._unheard[name].append(event)
                continue
            self._unheard[name] = collections.deque((event,), maxlen=UNHEARD)
            self._held.loop.task(self._hear(name, self._unheard[name]))

    async def _hear(self, name: str, waiting: collections.deque[dict[str, Any]]) -> None:
        while waiting:
            try:
                await self.call_provider(name, "event", EVENT_LIMIT, event=waiting.popleft())
            except (Unknown, ControlError, KeyError) as error:
                complain(f'provider "{name}" did not hear of an event: {error}')
        del self._unheard[name]

    def of(self, unit: Unit) -> set[str]:
        """Return the hooks that an instance's provider implements."""
        return set(self._held.sheet["providers"].get(unit.entry["provider"], {}).get("hooks", ()))

    async def call(self, unit: Unit, verb: str, limit: float, **more: Any) -> dict[str, Any]:
        """Call a hook about one instance."""
        provider = unit.entry["provider"]
        return await self.call_provider(provider, verb, limit, instance=self.filled(unit), **more)

    async def call_provider(
        self, provider: str, verb: str, limit: float, **arguments: Any
    ) -> dict[str, Any]:
        """Call a hook of a provider."""
        entry = self._held.sheet["providers"][provider]
        return await self._held.workers.call(provider, entry, verb, limit, **arguments)

    def filled(self, unit: Unit) -> dict[str, Any]:
        """Return an instance as hooks see it, with true values."""
        found: dict[str, Any] = fill(unit.entry["instance"], self._held.values.lookup(unit.name))
        return found
