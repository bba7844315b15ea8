"""One instance under supervision: its entry of the run sheet, its state, its process."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from booty.run import identity
from booty.supervise import machine, state
from booty.supervise.complaint import complain
from booty.supervise.said import Said

if TYPE_CHECKING:
    from booty.run.claim import Claim
    from booty.run.loop import Future, Loop, Task
    from booty.run.process import Exit, Process
    from booty.supervise.journal import Journal
    from booty.supervise.rows import Rows

__all__ = ["Unit", "blank"]


class Unit:
    """One instance.

    Args:
        loop: the loop.
        rows: where its state is written down.
        journal: where transitions are told.
        entry: the instance's entry of the run sheet.
        row: its saved state, ``None`` for a new one.

    Attributes:
        process: its process, ``None`` if it has none.
        ours: whether that, or the last one, is a child of supervisor or guardian.
        task: the coroutine that brings it up and watches it.
        looks: the coroutine of its ``live`` looks, ``None`` if none are taken.
        watched: whether it is up and its end is waited for.
        settled: whether it has run for a while since it was wanted; of use where nothing is probed.
        well_until: when a ``live`` look last pleased since then, ``None`` if none did.
        said: what its program has said by sd_notify.
        unhealthy: settled with the reason when it is to be restarted though it runs.
        stopping: whether somebody is stopping it.
        report: how its last stop went, as whoever asked is told; ``None`` if there was none.
        left: whether something may be left of a process that ended while nobody watched.
        fresh: whether its data folder was made by this start.
        refused: whether its state could not be written: the disk is full.
        claim: the lock on its data folder, while it starts and runs.
    """

    def __init__(
        self,
        loop: Loop,
        rows: Rows,
        journal: Journal,
        entry: dict[str, Any],
        row: dict[str, Any] | None = None,
    ) -> None:
        self._loop = loop
        self._rows = rows
        self._journal = journal
        self.entry = entry
        self.row: dict[str, Any] = row or blank(entry["name"])
        self.process: Process | None = None
        self.ours = False
        self.task: Task[None] | None = None
        self.looks: Task[None] | None = None
        self.watched = False
        self.settled = True
        self.well_until: float | None = None
        self.said = Said(loop)
        self.unhealthy: Future[str] = loop.future()
        self.stopping = False
        self.report: dict[str, Any] | None = None
        self.left = False
        self.fresh = False
        self.claim: Claim | None = None
        self.changed: list[Any] = []
        self._dirty = False
        self._forgotten = False
        self.refused = False

    @property
    def name(self) -> str:
        """The instance's name."""
        return str(self.entry["name"])

    @property
    def state(self) -> str:
        """Its state."""
        return str(self.row["state"])

    @property
    def ever_ready(self) -> bool:
        """Whether it was ready once since it was last wanted; a successor must know it too."""
        return bool(self.row.get("ever_ready"))

    @ever_ready.setter
    def ever_ready(self, value: bool) -> None:
        self.note(ever_ready=value)

    @property
    def up_since(self) -> float | None:
        """When it became ready, on the loop's clock; a successor's is the same until a reboot."""
        found = self.row.get("up_since")
        return None if found is None else float(found)

    @up_since.setter
    def up_since(self, when: float | None) -> None:
        self.note(up_since=None if when is None else round(when, 3))

    @property
    def again_at(self) -> float:
        """When it is started again, on the loop's clock; of use in ``backoff``."""
        return float(self.row.get("again_at") or 0.0)

    @again_at.setter
    def again_at(self, when: float) -> None:
        self.note(again_at=round(when, 3))

    @property
    def live(self) -> bool:
        """Whether it is up or coming up."""
        return self.state in machine.LIVE or self.state in {"configured", "backoff"}

    @property
    def external(self) -> bool:
        """Whether somebody else runs it."""
        return bool(self.entry["kind"] == "external")

    def to(self, new: str, reason: str | None = None, **changes: Any) -> None:
        """Go to another state, write it down (soon), tell of it.

        Raises:
            StateError: the table knows no such way.
        """
        old = self.state
        if old != new:
            machine.check(old, new)
        told = (old, self.row.get("reason")) != (new, reason)
        self.row |= {"state": new, "reason": reason, **changes}
        if old != new:
            self.row["since"] = self._journal.now()
        self._is_due()
        if told:
            detail = {"from": old, "to": new, "reason": reason}
            self._journal.tell("state", self.name, **detail)
            for call in self.changed:
                call()

    def note(self, **changes: Any) -> None:
        """Change what is written down without changing the state."""
        self.row |= changes
        self._is_due()

    def _is_due(self) -> None:
        if not self._dirty:
            self._dirty = True
            self._rows.due.append(self.save)

    def save(self, *, now: bool = False) -> bool:
        """Write the state down if something changed; a full disk is told, never fatal.

        Returns:
            Whether all is written.

        Raises:
            OSError: only with ``now``: the intent of a spawn must be on disk.
        """
        if self._forgotten or not (self._dirty or now):
            return not self.refused
        self._dirty = False
        try:
            self._rows.write(self.row)
        except OSError as error:
            if now:
                raise
            if not self.refused:
                complain(f"cannot write the state of {self.name}: {error}")
            self.refused = True
        else:
            self.refused = False
        return not self.refused

    def save_again(self) -> None:
        """Write down what a full disk refused, if it did."""
        self._dirty = self._dirty or self.refused
        self.save()

    def forget(self) -> None:
        """Let an instance that is no longer in the sheet have no state."""
        self._forgotten = True
        with contextlib.suppress(OSError):
            self._rows.forget(self.name)

    def has(self, process: Process) -> None:
        """Take a process as this instance's own."""
        process.whole = self.entry["kind"] == "task"  # the shell that runs it passes nothing on
        self.process = process
        self.ours = process.parent in {os.getpid(), os.getppid()}
        self.note(
            pid=process.pid,
            start=process.start,
            boot=identity.boot_id(),
            pidns=identity.pid_namespace(),
        )

    def let_go(self) -> None:
        """Hold its data folder no longer; what is left of its program still does."""
        if self.claim is not None:
            self.claim.close()
        self.claim = None

    def lost(self, ended: Exit, *, forced: bool = False) -> dict[str, Any]:
        """Note that the process is gone; returns what is known of its end."""
        if self.process is not None:
            self.process.watch.close()
        self.process = None
        self.let_go()
        found = {"code": ended.code, "signal": ended.signal, "forced": forced}
        self.note(pid=None, start=None, exit=found, health=None)
        self._journal.tell("exit", self.name, **found, lines=[])
        return found


def blank(name: str) -> dict[str, Any]:
    """Return the row of an instance of which nothing is known."""
    return {
        "instance": name,
        "format": state.FORMAT,
        "state": "absent",
        "reason": None,
        "pid": None,
        "start": None,
        "mark": None,
        "since": None,
        "restarts": 0,
        "tries": 0,
        "up_since": None,
        "again_at": None,
        "ever_ready": False,
        "exit": None,
        "digest": None,
        "inputs": {},
        "health": None,
        "log_offset": 0,
        "file_before": None,
        "passed": False,
        "said": {},
    }
