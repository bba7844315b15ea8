"""What a supervisor holds of a stack: one loop owns it, and nothing here acts on programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.run.loop import Loop
from booty.run.process import Exit
from booty.supervise import files, state
from booty.supervise.ends import Ends
from booty.supervise.fill import Values, fill
from booty.supervise.journal import Journal
from booty.supervise.rows import Rows
from booty.supervise.unsaved import Unsaved
from booty.supervise.workers import Workers

if TYPE_CHECKING:
    from booty.run.loop import Task
    from booty.supervise.spans import Trace
    from booty.supervise.unit import Unit

__all__ = ["Holdings"]


class Holdings:
    """All state of a stack under supervision.

    Args:
        arguments: ``state lifetime end fds exits guardian`` as the guardian gives them.

    Attributes:
        units: instances of the current sheet by name.
        sheet: the run sheet that holds.
        without: services left out.
        force: settled when everything is to be killed now.
        by_pid: instances by process number.
        ending: the end of the whole stack, ``None`` while it is not under way.
        looked_for: instances that are looked at until they are good.
        trace: spans of the change under way, ``None`` while there is none.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.fds: dict[str, int] = arguments["fds"]
        self.lifetime: str = arguments["lifetime"]
        self.loop = Loop()
        self.folder = state.Folder(arguments["state"])
        self.stack: dict[str, Any] = state.read_json(self.folder.stack) or {}
        self._guardian: dict[str, Any] | None = arguments.get("guardian")
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
        self.ending: Task[list[dict[str, Any]]] | None = None
        self.trace: Trace | None = None
        self.looked_for: set[str] = set()
        self._changed = self.loop.future()
        self.unsaved = Unsaved(self.loop, self.journal, self.units)
        place = str(self.stack["runtime"])
        self.notify_path = f"{place}/notify.sock"
        self.values = Values(
            str(self.stack["root"]), self.folder.root, place, str(self.stack.get("store") or "")
        )
        self.workers = Workers(self.loop, self.base_env, 2)

    # -- what is wished

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

    # -- what changes

    def wake(self) -> None:
        """Let everybody who waits for a change look again."""
        changed, self._changed = self._changed, self.loop.future()
        changed.set(None)

    async def change(self, timeout: float | None = None) -> bool:
        """Wait until something changed; tells whether it did before the time was over."""
        return await self.loop.first(self._changed, timeout=timeout) is not None

    def span(self, name: str, unit: Unit, begin: float) -> None:
        """Note a span of the change under way."""
        if self.trace is not None:
            self.trace.add(name, unit.name, begin)

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

    # -- disk

    def note(self, **changes: Any) -> None:
        """Change what is written down about the stack, at once and for good."""
        guardian = self._guardian or self._written_by_guardian()
        self.stack = {**self.stack, **changes, "guardian": guardian}
        self.write(self.folder.stack, self.stack, sync="desired" in changes)

    def _written_by_guardian(self) -> dict[str, Any] | None:
        # one of an older booty writes down itself who it is
        found = (state.quiet(self.folder.stack) or {}).get("guardian")
        return found if isinstance(found, dict) else None

    def write(self, path: str, data: dict[str, Any], *, sync: bool = False) -> None:
        """Write a state file; a full disk is told, never fatal, and written to when it has room."""
        self.unsaved.write(path, data, sync=sync)

    def save(self) -> None:
        """Write down what changed; done before each wait, and before an answer."""
        if not self.rows.write_due():
            self.unsaved.look()
