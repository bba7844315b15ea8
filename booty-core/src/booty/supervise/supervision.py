"""What acts on a stack: its holdings, who calls hooks and binds sockets, and orders to the whole.

Who brings up, watches and stops an instance is given this. Orders that concern the whole stack come
back from there; the supervisor carries them out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from booty.run.process import Exit
from booty.supervise.bootstraps import Bootstraps
from booty.supervise.holdings import Holdings
from booty.supervise.hooks import Hooks
from booty.supervise.membership import Members
from booty.supervise.parent import Parent
from booty.supervise.sockets import Sockets
from booty.supervise.tasks import ended as task_end

if TYPE_CHECKING:
    from booty.supervise.unit import Unit
    from booty.supervise.wire import ControlError

__all__ = ["Supervision"]


class Supervision(Holdings, ABC):
    """A stack under supervision; see :class:`~booty.supervise.holdings.Holdings`.

    Args:
        arguments: ``state lifetime end fds exits guardian`` as the guardian gives them.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__(arguments)
        self.parent = Parent(self, self.fds["guardian"])
        self.hooks = Hooks(self)
        self.sockets = Sockets(self, self.parent)
        self.members = Members(self, self.hooks)
        self.bootstraps = Bootstraps(self, self.hooks, self.members)

    # -- units

    def add(self, unit: Unit) -> None:
        """Take an instance under supervision."""
        unit.changed += [self.wake, lambda: self.sockets.settle(unit)]
        self.units[unit.name] = unit

    async def take_exit(self, unit: Unit, *, forced: bool = False) -> Exit:
        """Note that an instance's process is gone; returns how it ended."""
        if unit.process is None:
            return Exit()
        pid = unit.process.pid
        ended = task_end(self.folder, unit, await self.ends.of(pid, unit.process.parent))
        self.by_pid.pop(pid, None)
        unit.lost(ended, forced=forced)
        return ended

    # -- orders to the whole

    @abstractmethod
    def begin(self, unit: Unit) -> None:
        """Bring an instance up; one that was started meanwhile is left to its own task."""

    @abstractmethod
    async def clear(self, unit: Unit) -> None:
        """End what is left of a start that failed, within its grace."""

    @abstractmethod
    def failed(self, unit: Unit, fault: ControlError) -> None:
        """Take note of an instance that failed: it ends a change under way, or a whole stack."""

    @abstractmethod
    def restart_leaning(self, unit: Unit) -> None:
        """Restart those that asked to be restarted with an instance they need."""
