"""The supervisor sees its logs grow, has them rotated, and is woken by nothing else."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from booty.run import marks
from booty.run.loop import Loop, Timer
from booty.run.segments import blocks, folder_of, survey
from booty.supervise import state
from booty.supervise.growth import FASTEST, FIRST, SLOWEST, Growth
from conftest_supervise import Stack, entry

LINES = 150_000
FLOOD = """
import os, signal, sys
count = int(sys.argv[1])
for first in range(0, count, 100):
    os.write(1, b"".join(b"%09d %s\\n" % (n, b"x" * (n % 90)) for n in range(first, first + 100)))
    if first % 5000 == 0:
        open(sys.argv[2], "w").write(str(first))
        while os.path.exists(sys.argv[3]):
            pass
open(sys.argv[2], "w").write("all")
signal.pause()
"""
SMALL: dict[str, Any] = {"size": 65536, "age": 1e6, "keep": 10**6}


def flood(root: Path, count: int = LINES, **changes: Any) -> dict[str, Any]:
    """Return an instance that writes numbered lines, then sleeps."""
    argv = [sys.executable, "-c", FLOOD, str(count), str(root / "at"), str(root / "wait")]
    return entry("f.0", "", argv=argv, **{"log": SMALL, **changes})


def written(root: Path) -> bool:
    """Tell whether all lines are written."""
    return (root / "at").exists() and (root / "at").read_text() == "all"


def numbers(stack: Stack) -> list[int]:
    """Return the numbers that a reader of the log sees."""
    log = state.Folder(stack.dir).log("f.0")
    return [int(line[:9]) for line in b"".join(data for _, data in blocks(log)).splitlines()]


def parts(stack: Stack) -> int:
    """Return how many segments are kept."""
    return len(survey(state.Folder(stack.dir).log("f.0")).segments)


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def rotators(stack: Stack) -> list[int]:
    """Return the rotators at work."""
    found = []
    for pid in children(stack.watchers()["supervisor"]):
        try:
            if "rotator" in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                found.append(pid)
        except OSError:
            continue
    return found


def test_a_flood_is_rotated(stack: Stack) -> None:
    """A log that grows over its size is, while its writer goes on; each line is there once."""
    stack.up(flood(stack.root))
    stack.until(lambda: written(stack.root))
    stack.until(lambda: parts(stack) > 5)
    log = Path(state.Folder(stack.dir).log("f.0"))
    stack.until(lambda: log.stat().st_blocks * 512 < 2 * 65536)

    assert numbers(stack) == list(range(LINES))
    assert stack.row("f.0")["restarts"] == 0
    assert '"warning"' not in stack.told()
    stack.until(lambda: rotators(stack) == [])


@pytest.mark.parametrize("seed", [1, 2])
def test_everybody_is_killed(stack: Stack, seed: int) -> None:
    """Rotator and supervisor are killed at random while a flood runs: nothing lost or doubled."""
    chance = random.Random(seed)
    (stack.root / "wait").touch()
    stack.up(flood(stack.root))
    (stack.root / "wait").unlink()
    for turn in range(6):
        segments = parts(stack)
        stack.until(lambda before=segments: parts(stack) > before or written(stack.root))  # type: ignore[misc]  # mypy knows no defaults of lambdas
        if turn % 3 == 2:
            before = stack.watchers()
            stack.kill("supervisor")
            stack.followed(before)
        else:
            for pid in rotators(stack):
                os.kill(pid, signal.SIGKILL) if chance.random() < 0.8 else None
    stack.until(lambda: written(stack.root))
    log = Path(state.Folder(stack.dir).log("f.0"))
    stack.until(lambda: log.stat().st_blocks * 512 < 2 * 65536)

    assert numbers(stack) == list(range(LINES))
    assert stack.row("f.0")["restarts"] == 0


def test_no_rotator_survives(stack: Stack) -> None:
    """A rotator ends with its supervisor: nothing is left at down, nobody waits for its lock."""
    stack.up(flood(stack.root, 10_000_000))
    found: list[int] = []
    stack.until(lambda: bool(found.extend(rotators(stack)) or found))
    before = stack.watchers()
    stack.kill("supervisor")
    stack.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found))
    stack.followed(before)


def test_marks_tell_times(stack: Stack) -> None:
    """When a log had which size is written down, also of what was said after a long silence."""
    go = stack.root / "go"
    os.mkfifo(go)
    stack.up(entry("f.0", f"read x < {go}; echo hi; exec sleep 1000"))
    begun = time.time()
    go.write_text("x\n")
    log = state.Folder(stack.dir).log("f.0")
    stack.until(lambda: Path(marks.path_of(log)).exists())
    said = marks.read(log).time(3)

    assert said is not None
    assert begun - 1 <= said <= time.time()


def test_cannot_be_rotated(stack: Stack) -> None:
    """What cannot be rotated is said once, as a warning; who writes goes on."""
    folder = Path(folder_of(state.Folder(stack.dir).log("f.0")))
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    stack.up(flood(stack.root))
    stack.until(lambda: '"kind": "warning"' in stack.told())
    stack.until(lambda: written(stack.root))

    assert "f.0: cannot rotate its log: File exists" in stack.told()
    assert stack.row("f.0")["state"] == "ready"
    assert numbers(stack) == list(range(LINES))


class Reaps:
    """Reaps what has ended."""

    async def of(self, pid: int, _: int) -> None:
        """Do it."""
        os.waitpid(pid, 0)  # noqa: ASYNC222 - it has ended


@pytest.mark.parametrize("count", [1, 99, 1500])
def test_of_many(tmp_path: Path, count: int) -> None:
    """However many logs there are and whatever is to be said of each, all are rotated, or told."""
    folder, loop = state.Folder(tmp_path / ("x" * 100)), Loop()
    folder.make()
    log = {"size": 1, "age": 1e6, "keep": 1}
    unit = {"external": False, "state": "ready", "entry": {"log": log, "limits": {}}}
    units = {
        f"n{number}.0": SimpleNamespace(name=f"n{number}.0", **unit) for number in range(count)
    }
    told: dict[str, str] = {}

    def tell(_: str, instance: str, *, message: str) -> None:
        told[instance] = message

    for name in units:
        Path(folder.log(name)).write_text("one\n")
        Path(folder_of(folder.log(name))).write_text("in the way")
    journal = SimpleNamespace(listeners=[], tell=tell)
    sup = SimpleNamespace(loop=loop, folder=folder, units=units, journal=journal, ends=Reaps())
    growth = Growth(sup)  # type: ignore[arg-type]  # as much of it as is asked
    logs = {name: one for name, one in growth._watched().items() if name in units}
    done = loop.task(growth._rotation(logs))
    loop.run_until(done, 60.0)
    loop.close()

    assert set(told) == set(units)
    assert all("cannot rotate its log: File exists" in words for words in told.values())


class Asked(Loop):
    """A loop whose clock is moved by hand, and that notes which timers are asked for."""

    def __init__(self) -> None:
        self.time = 100.0
        self.seconds: list[float] = []
        super().__init__(SimpleNamespace(monotonic=lambda: self.time, wall=lambda: self.time))

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Note it."""
        self.seconds.append(seconds)
        return super().after(seconds, call)

    def passes(self, seconds: float) -> list[float]:
        """Let time pass; returns the timers that were asked for."""
        self.seconds.clear()
        self.time += seconds
        self.turn(0)
        return [*self.seconds]


def test_silence_costs_nothing(tmp_path: Path) -> None:
    """Two looks at silent logs, then none until one is written, whenever that is."""
    folder, loop = state.Folder(tmp_path), Asked()
    folder.make()
    events = Path(folder.events)
    events.touch()
    journal = SimpleNamespace(listeners=[])
    Growth(SimpleNamespace(loop=loop, folder=folder, units={}, journal=journal))  # type: ignore[arg-type]  # as much of it as is asked
    journal.listeners[0]({"kind": "ready", "instance": None, "detail": {}})
    log = Path(folder.log("supervisor"))

    assert loop.passes(FIRST) == [SLOWEST]
    assert loop.passes(SLOWEST) == []
    log.write_text("one\n")
    assert loop.passes(0) == [FASTEST]
    assert loop.passes(FASTEST) == [SLOWEST]
    log.write_text("one\ntwo\n")  # seen by the look, not by the kernel
    assert loop.passes(SLOWEST) == [SLOWEST]
    assert loop.passes(SLOWEST) == []
    log.write_text("three\n")
    assert loop.passes(0) == [FASTEST]
    loop.close()
