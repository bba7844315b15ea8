"""Waiting until what a change starts has arrived, or one of its instances has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty.supervise.living import unsettled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit
    from booty.supervise.wire import ControlError

__all__ = ["Arrival"]


class Arrival:
    """The arrival of instances of one change.

    Args:
        sup: the supervisor.
        wanted: instances that are to be up after it.
        starts: those that it starts.
        restarts: those that it restarts; both may grow.

    Attributes:
        fault: why the change failed, ``None`` as long as it did not.
    """

    def __init__(
        self,
        sup: Supervision,
        wanted: Collection[str],
        starts: Sequence[str],
        restarts: Sequence[str],
    ) -> None:
        self._sup = sup
        self._wanted = wanted
        self._starts = starts
        self._restarts = restarts
        self.fault: ControlError | None = None

    async def of(self, names: Iterable[str]) -> None:
        """Wait until instances are ready.

        Raises:
            ControlError: one of this change failed.
        """
        waiting = list(names)
        while self.fault is None:
            left = None
            # one that is not there is enough to know: two hundred are not looked at each time
            while waiting and self._arrived(waiting[-1]):
                waiting.pop()
            if not waiting and all(self._arrived(name) for name in names):
                left = self._unsettled()
                if not left:
                    return
            await self._sup.change(left)
        raise self.fault

    def _unsettled(self) -> float:
        # what this change has started may still end at once
        now, touched = self._sup.loop.now(), {*self._starts, *self._restarts}
        own = (self._sup.units[name] for name in touched if name in self._sup.units)
        return max((unsettled(unit, now) for unit in own), default=0.0)

    def _arrived(self, name: str) -> bool:
        unit = self._sup.units.get(name)
        if unit is None:
            return False
        good = {"ready", "degraded", "done"}
        if unit.state in good:
            return True
        # what was brought down by its owner's wish while we waited is not waited for
        return unit.state == "stopped" and not self._sup.wants(name)

    def failed(self, unit: Unit, fault: ControlError) -> bool:
        """Take note of an instance that failed; tells whether it belongs to this change."""
        own = {*self._starts, *self._restarts, *self._wanted}
        if unit.name not in own or self.fault is not None:
            return False
        self.fault = fault
        return True
