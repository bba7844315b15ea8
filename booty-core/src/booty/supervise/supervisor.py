"""The supervisor: carries out what concerns a whole stack. Standard library alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from booty.run import inotify
from booty.supervise import intent, living, loss, remains, stopping
from booty.supervise.converging import Convergence
from booty.supervise.supervision import Supervision

if TYPE_CHECKING:
    from collections.abc import Callable

    from booty.run.loop import Task
    from booty.supervise.unit import Unit
    from booty.supervise.wire import ControlError

__all__ = ["Supervisor"]


class Supervisor(Supervision):
    """One supervisor of a stack.

    Args:
        arguments: ``state lifetime end fds exits guardian`` as the guardian gives them.

    Attributes:
        handed: whether a command handed over a plan in this life.
        convergence: the change under way, ``None`` while there is none.
        last_fault: why the last change failed, ``None`` if it did not.
        before_leaving: called last of all, before it ends.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__(arguments)
        self.handed = False
        self.convergence: Convergence | None = None
        self.working: Task[None] | None = None
        self.last_fault: ControlError | None = None
        self.before_leaving: list[Callable[[], None]] = []

    # -- its end

    def left_alone(self) -> None:
        """Leave if the command that started us ended before it handed over a first plan."""
        if not self.handed and not self.by_pid and not self.stack.get("desired"):
            self.end()

    def end(self) -> Task[list[dict[str, Any]]]:
        """Stop everything in good order, then leave; the report is the task's value."""
        if self.ending is None:
            self.ending = self.loop.task(self._end())
            self.ending.on_done(self._leave_soon)
        return self.ending

    async def _end(self) -> list[dict[str, Any]]:
        if self.working is not None:
            self.working.cancel()
        self.note(ending=True)  # a successor goes on with it
        report = await stopping.stop_all(self, list(self.units))
        graces = [float(unit.entry["stop"]["grace"]) for unit in self.units.values()]
        await remains.end_orphans(self, max(graces, default=0.0))
        self.note(desired={}, supervisor=None, plan=self.stack.get("plan"), without=[])
        self.journal.tell("stopped", None, report=report)
        for unit in self.units.values():
            if unit.state == "done":
                unit.to("stopped")  # a task runs once per life of the stack
        return report

    def _leave_soon(self) -> None:
        # who asked for the end, or for a stop meanwhile, is answered first, however long it takes
        if self.loop.busy:
            self.loop.soon(self._leave_soon)
        else:
            self.loop.after(0.0, lambda: self._go("leave"))

    def give_way(self) -> None:
        """Let a new guardian and a new supervisor take over; what runs goes on."""
        self.loop.after(0.0, lambda: self._go("renew"))

    def _go(self, word: str) -> None:
        self.save()
        self.workers.close()
        for call in self.before_leaving:
            call()
        self.parent.tell({"do": word})
        inotify.let_go(self.loop)
        os._exit(0)

    # -- what commands hand over

    def keep_secrets(self, fd: int) -> None:
        """Take the values that a command handed over; successors will have them too."""
        self.values.read_secrets(fd)
        self.parent.tell({"do": "secrets"}, (fd,))
        if "secrets" in self.fds:
            os.close(self.fds["secrets"])
        self.fds["secrets"] = fd

    def live_as(self, lifetime: str) -> None:
        """Change the lifetime."""
        self.lifetime = lifetime
        self.note(lifetime=lifetime)
        self.parent.tell({"do": "lifetime", "lifetime": lifetime})

    def held_by(self, fd: int) -> None:
        """Take another holder's pipe; successors will have it too."""
        if "hold" in self.fds:
            self.loop.unwatch(self.fds["hold"])
            os.close(self.fds["hold"])
        self.fds["hold"] = fd
        self.heed_holder()
        self.parent.tell({"do": "hold"}, (fd,))

    def heed_holder(self) -> None:
        """Hear of the end of who holds the stack, if somebody does."""
        if "hold" in self.fds:
            self.loop.watch(self.fds["hold"], self._holder_ended)

    def _holder_ended(self) -> None:
        self.loop.unwatch(self.fds["hold"])
        if self.lifetime == "die-with-me":
            self.end()

    # -- instances

    async def clear(self, unit: Unit) -> None:
        """End what is left of a start that failed, within its grace."""
        if unit.process is None:
            await remains.end_of(self, unit, None)
            return
        live, unit.task = unit.task, None  # we are that task: it must not be cancelled
        before = unit.state
        await stopping.stop_level(self, [unit])
        unit.task = live
        if unit.state == "stopped" and before != "stopping":
            unit.row["state"] = before

    def begin(self, unit: Unit) -> None:
        """Bring an instance up; one that was started meanwhile is left to its own task."""
        if self.ending is not None:
            return  # nobody would watch it
        self.desire(unit.name, up=True)
        if unit.task is not None and not unit.task.done:
            if unit.process is not None and unit.row["digest"] == unit.entry["digest"]:
                return
            unit.task.cancel()
        unit.task = self.loop.task(living.begin(self, unit))

    def failed(self, unit: Unit, fault: ControlError) -> None:
        """Take note of an instance that failed: it ends a change under way, or a whole stack."""
        self.wake()
        if self.convergence is not None and self.convergence.arrival.failed(unit, fault):
            self.wake()
            return
        self.journal.tell("failed", unit.name, **fault.data)
        if unit.entry["critical"] and unit.ever_ready and self.ending is None:
            self.journal.tell("lost", unit.name, **loss.lost(unit, fault))
            self.end()

    def restart_leaning(self, unit: Unit) -> None:
        """Restart those that asked to be restarted with an instance they need."""
        for other in self.units.values():
            needs = [need for need in other.entry["needs"] if unit.name in need["instances"]]
            if any(need["restart"] for need in needs) and other.process is not None:
                self.loop.task(stopping.replace(self, other))

    # -- changes

    def converge(
        self, sheet: dict[str, Any], names: list[str] | None, **options: Any
    ) -> Convergence:
        """Begin a change; a former one that is still under way is taken over."""
        if self.working is not None and not self.working.done:
            self.working.cancel()
        self.rows.mend()
        change = Convergence(self, sheet, names, **options)
        self.handed = True
        self.last_fault = None
        self.convergence, self.trace = change, change.trace
        self.working = self.loop.task(change.run())
        self.working.on_done(lambda: self._settled(change))
        return change

    def _settled(self, change: Convergence) -> None:
        self.last_fault = change.fault
        if self.convergence is change:
            self.convergence = self.trace = None
            intent.settle(self, change)
        self.wake()
