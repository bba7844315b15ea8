"""A task runs once: never twice, and never skipped on a guess."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from booty.supervise.client import ControlError
from conftest_supervise import Stack, alive, entry

WAITS = "echo ran >> {root}/ran; until [ -e {root}/gate ]; do sleep 0.02; done; {end}"


class Task:
    """A task that waits until it is let go."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.gate = stack.root / "gate"

    def entry(self, end: str = "exit 0", **changes: Any) -> dict[str, Any]:
        """Return its entry."""
        run = WAITS.format(root=self.stack.root, end=end)
        fixed = {"kind": "task", "restart": {"policy": "never"}, "digest": "same"}
        return entry("m.0", run, **{**fixed, **changes})

    def begin(self, **changes: Any) -> int:
        """Start it and wait until it runs; returns its process."""
        self.stack.up(self.entry(**changes), wait=False)
        self.stack.until(lambda: self.runs == 1 and self.row["pid"] is not None)
        return int(self.row["pid"])

    @property
    def row(self) -> dict[str, Any]:
        """Its state."""
        return self.stack.row("m.0")

    @property
    def runs(self) -> int:
        """How often it ran."""
        file = self.stack.root / "ran"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def ends_unwatched(self, pid: int) -> None:
        """Kill all who watch, then let it end."""
        self.stack.kill("guardian", "supervisor")
        self.gate.touch()
        self.stack.until(lambda: not alive(pid))


@pytest.fixture
def task(stack: Stack) -> Task:
    """A task that waits until it is let go."""
    return Task(stack)


def test_ended_well_while_nobody_watched(task: Task) -> None:
    """Its code is known to the next up, which does not run it again."""
    task.ends_unwatched(task.begin())
    task.stack.up(task.entry())

    assert (task.row["state"], task.row["exit"]["code"]) == ("done", 0)
    assert task.runs == 1


def test_failed_while_nobody_watched(task: Task) -> None:
    """A code that is no success is known too; whoever says up again has it run again."""
    task.ends_unwatched(task.begin(end="exit 4"))
    with task.stack.ensure():
        task.stack.until(lambda: task.row["state"] == "failed")
    assert (task.row["exit"]["code"], task.runs) == (4, 1)
    task.stack.up(task.entry())

    assert (task.row["state"], task.runs) == ("done", 2)


def test_nobody_can_tell(task: Task) -> None:
    """Watchers and shell are killed in one instant: it is said before it is run again."""
    pid = task.begin()
    task.stack.kill("guardian", "supervisor")
    os.killpg(pid, signal.SIGKILL)
    task.stack.until(lambda: not alive(pid))
    task.gate.touch()
    with pytest.raises(ControlError) as told:
        task.stack.up(task.entry())
    assert (told.value.reference, told.value.status) == ("task-in-doubt", 7)
    assert task.runs == 1
    task.stack.up(task.entry())

    assert (task.row["state"], task.runs) == ("done", 2)


def test_intent_that_came_to_nothing(task: Task) -> None:
    """Killed between the intent and the shell: it has not run, so it is run."""
    pid = task.begin()
    task.stack.kill("guardian", "supervisor")
    os.killpg(pid, signal.SIGKILL)
    for file in Path(task.stack.dir / "state/tasks").iterdir():
        file.unlink()
    task.gate.touch()
    task.stack.up(task.entry())

    assert (task.row["state"], task.runs) == ("done", 2)


def test_successor_waits_for_it(task: Task) -> None:
    """It goes on under a successor, which hears its code from the guardian."""
    task.begin(end="exit 3")
    before = task.stack.watchers()
    task.stack.kill("supervisor")
    task.stack.followed(before)
    task.gate.touch()
    task.stack.until(lambda: task.row["state"] == "failed")

    assert (task.row["exit"]["code"], task.runs) == (3, 1)


def test_signals_reach_it(task: Task) -> None:
    """A stop is asked of the task, not of the shell around it; its end is told as its own."""
    task.begin()
    (report,) = task.stack.ask("stop", names=["m"])["report"]

    assert (report["how"], report["signal"]) == ("clean", 15)
    assert task.row["exit"] == {"code": None, "signal": 15, "forced": False}


def test_program_of_a_task_is_missing(task: Task) -> None:
    """The shell around it hides nothing of why it cannot be started."""
    with pytest.raises(ControlError) as told:
        task.stack.up(task.entry(argv=["no-such-program"]))

    assert told.value.reference == "no-program"
