"""The supervisor: one loop that owns all state of a stack. Standard library alone."""

from __future__ import annotations

import os
import signal
from typing import Any

from booty import __version__
from booty.run import garbage, identity, inotify, process, title, tree
from booty.run.loop import Loop, Task
from booty.run.process import Exit
from booty.run.signals import listen
from booty.supervise import adoption, files, intent, living, loss, remains, sheets, state, stopping
from booty.supervise.control import Control
from booty.supervise.converging import Convergence
from booty.supervise.ends import Ends
from booty.supervise.fill import Values, fill
from booty.supervise.goodness import Goodness
from booty.supervise.growth import Growth
from booty.supervise.hooks import Hooks
from booty.supervise.journal import Journal
from booty.supervise.looking import look_from_now
from booty.supervise.membership import Members
from booty.supervise.notices import Notices
from booty.supervise.parent import Parent
from booty.supervise.rows import Rows
from booty.supervise.sockets import Sockets
from booty.supervise.tasks import ended as task_end
from booty.supervise.unit import Unit
from booty.supervise.unsaved import Unsaved
from booty.supervise.wire import ControlError
from booty.supervise.workers import Workers

__all__ = ["Supervisor", "main"]


def main(arguments: dict[str, Any]) -> None:
    """Be the supervisor.

    Args:
        arguments: ``state lifetime end fds exits`` as the guardian gives them.
    """
    garbage.look_rarely()
    Supervisor(arguments).run()


class Supervisor:
    """One supervisor; see :func:`main` for its arguments.

    Attributes:
        units: instances of the current sheet by name.
        sheet: the run sheet that holds.
        without: services left out.
        force: settled when everything is to be killed now.
        end_first: whether what is found is to be ended.
        handed: whether a command handed over a plan in this life.
        by_pid: instances by process number.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.fds: dict[str, int] = arguments["fds"]
        self.lifetime: str = arguments["lifetime"]
        self.loop = Loop()
        self.folder = state.Folder(arguments["state"])
        self.stack: dict[str, Any] = state.read_json(self.folder.stack) or {}
        self.stack_id = str(self.stack["stack"]["id"])
        self.journal = Journal(self.folder.events, self.loop.clock)
        self.rows = Rows(self.folder.instances)
        self.base_env: dict[str, str] = dict(self.stack.get("environment") or {})
        self.units: dict[str, Unit] = {}
        self.sheet: dict[str, Any] = {"instances": [], "services": {}, "providers": {}}
        self.without: set[str] = set(self.stack.get("without") or ())
        self.by_pid: dict[int, Unit] = {}
        known = {pid: Exit(code, number) for pid, code, number in arguments["exits"]}
        self.ends = Ends(self.loop, known, self.by_pid)
        self.force = self.loop.future()
        self.watched_again: list[Unit] = []
        self.wanted_again: list[Unit] = []
        self.stopped_again: list[Unit] = []
        self.handed = False
        self.ending: Task[list[dict[str, Any]]] | None = None
        self.convergence: Convergence | None = None
        self.working: Task[None] | None = None
        self.last_fault: ControlError | None = None
        self._changed = self.loop.future()
        self.good = Goodness(self)
        self.unsaved = Unsaved(self)
        self.end_first = bool(arguments.get("end"))
        place = str(self.stack["runtime"])
        self.notify_path = f"{place}/notify.sock"
        self.values = Values(
            str(self.stack["root"]), self.folder.root, place, str(self.stack.get("store") or "")
        )
        self.workers = Workers(self.loop, self.base_env, 2)
        self.hooks = Hooks(self)
        self.sockets = Sockets(self)
        self.members = Members(self)

    # -- its own life

    def run(self) -> None:
        """Adopt what is there, then serve until told to leave."""
        for fd in self.fds.values():
            os.set_inheritable(fd, False)
        tree.become_subreaper()
        title.call_itself("booty-supervise")
        process.raise_file_limit()
        self._listen()
        self.parent = Parent(self, self.fds["guardian"])
        if "secrets" in self.fds:
            self.values.read_secrets(self.fds["secrets"])
        self._load_sheet()
        self.growth = Growth(self)
        adoption.adopt(self)
        self._announce()
        self.loop.before_wait.append(self.save)
        self.control = Control(self, self.fds["control"])
        self.notices = Notices(self, self.fds["notify"])
        if "hold" in self.fds:
            self.loop.watch(self.fds["hold"], self._holder_ended)
        self.loop.soon(lambda: adoption.go_on(self))
        self.loop.run()

    def _listen(self) -> None:
        stops = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
        calls: dict[int, Any] = dict.fromkeys(stops, self._asked_to_stop)
        calls[signal.SIGHUP] = lambda: None
        calls[signal.SIGCHLD] = self.ends.reap
        listen(self.loop, calls)

    def _load_sheet(self) -> None:
        digest = self.stack.get("plan")
        if digest:
            try:
                self.sheet = sheets.read(self.folder, digest)
            except ControlError as fault:
                self.journal.tell("warning", None, message=fault.message)
            self.values.artifacts = self.sheet.get("artifacts", {})

    def _announce(self) -> None:
        pid = os.getpid()
        me = {"pid": pid, "start": identity.start_time(pid), "since": self.journal.now()}
        machine = {"id": identity.machine_id(), "boot": identity.boot_id()}
        self.note(supervisor=me, machine=machine, unwatched=False, version=__version__)
        self.journal.tell("supervisor", None, pid=pid, adopted=len(self.by_pid))

    def _holder_ended(self) -> None:
        self.loop.unwatch(self.fds["hold"])
        if self.lifetime == "die-with-me":
            self.end()

    def left_alone(self) -> None:
        """Leave if the command that started us ended before it handed over a first plan."""
        if not self.handed and not self.by_pid and not self.stack.get("desired"):
            self.end()

    def _asked_to_stop(self) -> None:
        if self.ending is not None:
            self.force.set(None)
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
        self.control.flush()
        self.parent.tell({"do": word})
        inotify.let_go(self.loop)
        os._exit(0)

    # -- the guardian

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
        self.loop.watch(fd, self._holder_ended)
        self.parent.tell({"do": "hold"}, (fd,))

    # -- ends of processes

    async def take_exit(self, unit: Unit, *, forced: bool = False) -> Exit:
        """Note that an instance's process is gone; returns how it ended."""
        if unit.process is None:
            return Exit()
        pid = unit.process.pid
        ended = task_end(self.folder, unit, await self.ends.of(pid, unit.process.parent))
        self.by_pid.pop(pid, None)
        unit.lost(ended, forced=forced)
        return ended

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

    # -- units and what they need

    def add(self, unit: Unit) -> None:
        """Take an instance under supervision."""
        unit.changed += [self.wake, lambda: self.sockets.settle(unit)]
        self.units[unit.name] = unit

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

    def desire(self, *names: str, up: bool) -> None:
        """Write down what is wished of instances, in one go; it survives a power failure."""
        before = dict(self.stack.get("desired") or {})
        desired = {**before, **dict.fromkeys(names, "up" if up else "down")}
        if desired != before:
            self.note(desired=desired)

    def wants(self, name: str) -> bool:
        """Tell whether an instance is to be up."""
        return bool((self.stack.get("desired") or {}).get(name) == "up")

    def unwanted(self, name: str) -> bool:
        """Tell whether an instance was asked to be down; of others nothing is known."""
        return bool((self.stack.get("desired") or {}).get(name) == "down")

    def wake(self) -> None:
        """Let everybody who waits for a change look again."""
        changed, self._changed = self._changed, self.loop.future()
        changed.set(None)

    async def change(self, timeout: float | None = None) -> bool:
        """Wait until something changed; tells whether it did before the time was over."""
        return await self.loop.first(self._changed, timeout=timeout) is not None

    def failed(self, unit: Unit, fault: ControlError) -> None:
        """Take note of an instance that failed: it ends a change under way, or a whole stack."""
        self.wake()
        if self.convergence is not None and self.convergence.failed(unit, fault):
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

    # -- what instances are given

    def cwd(self, entry: dict[str, Any]) -> str:
        """Return the working folder of an instance."""
        found: str = fill(entry["cwd"], self.values.lookup(entry["name"]))
        return found

    def around(self, unit: Unit) -> dict[str, Any]:
        """Return what a probe needs to know of an instance."""
        probes = (unit.entry[key] or {} for key in ("ready", "live"))
        runs = any(probe.get("exec") for probe in probes)
        return {
            "env": files.environment(unit.entry, self.base_env, self.values) if runs else {},
            "cwd": self.cwd(unit.entry),
            "log": self.folder.log(unit.name),
            "offset": unit.row["log_offset"],
            "before": unit.row.get("file_before"),
            "notified": unit.said.ready,
            "ended": lambda child: self.ends.of(child.pid, child.parent),
        }

    def blob(self, digest: str) -> str:
        """Return a large file of the sheet."""
        return files.read_blob(self.folder, digest)

    # -- sheets

    def take_sheet(self, sheet: dict[str, Any]) -> None:
        """Let a new sheet hold; running instances go on as their entries say now."""
        self.sheet = sheet
        self.values.artifacts = sheet["artifacts"]
        for entry in sheet["instances"]:
            unit = self.units.get(entry["name"])
            if unit is not None:
                before, unit.entry = unit.entry, entry
                if before["live"] != entry["live"]:
                    look_from_now(self, unit)
        stack = sheet.get("stack") or self.stack["stack"]  # the label may have changed
        self.note(plan=sheet["digest"], without=sorted(self.without), stack=stack)

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
        self.convergence = change
        self.working = self.loop.task(change.run())
        self.working.on_done(lambda: self._settled(change))
        return change

    def _settled(self, change: Convergence) -> None:
        self.last_fault = change.fault
        if self.convergence is change:
            self.convergence = None
            intent.settle(self, change)
        self.wake()

    def span(self, name: str, unit: Unit, begin: float) -> None:
        """Note a span of the change under way."""
        if self.convergence is not None:
            self.convergence.trace.add(name, unit.name, begin)

    # -- disk

    def note(self, **changes: Any) -> None:
        """Change what is written down about the stack, at once and for good."""
        self.stack = {**self.stack, **changes}
        kept = self._kept_by_guardian()
        self.write(self.folder.stack, {**self.stack, **kept}, sync="desired" in changes)

    def _kept_by_guardian(self) -> dict[str, Any]:
        try:
            saved = state.read_json(self.folder.stack) or {}
        except (ValueError, OSError):
            return {}
        return {key: saved[key] for key in ("guardian",) if key in saved}

    def write(self, path: str, data: dict[str, Any], *, sync: bool = False) -> None:
        """Write a state file; a full disk is told, never fatal, and written to when it has room."""
        self.unsaved.write(path, data, sync=sync)

    def save(self) -> None:
        """Write down what changed; done before each wait, and before an answer."""
        if not self.rows.write_due():
            self.unsaved.look()
