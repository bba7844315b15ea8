"""What guardian and supervisor cost while nothing happens: wake-ups, processor time, memory."""

from __future__ import annotations

import json
import os
import statistics
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import Case

__all__ = ["cases"]

SECONDS = 10.0
"""How long is looked."""
SETTLED = 2.0
"""Seconds after a start in which what it left to do is done."""


def _watchers(root: Path) -> list[Path]:
    saved = json.loads((root / ".booty/state/stack.json").read_text())
    return [Path("/proc", str(saved[name]["pid"])) for name in ("guardian", "supervisor")]


def _waits(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("voluntary_ctxt"))


def _cpu(process: Path) -> float:
    # in nanoseconds, where /proc/PID/stat has hundredths of a second
    return int((process / "schedstat").read_text().split()[0]) / 1e9


def _pss(process: Path) -> float:
    lines = (process / "smaps_rollup").read_text().splitlines()
    return next(int(one.split()[1]) / 1024 for one in lines if one.startswith("Pss:"))


class Idle:
    """A stack at which is looked while it idles; once a round, for all figures.

    Args:
        stack: the stack; started here.
    """

    def __init__(self, stack: Any) -> None:
        self.stack = stack
        self.found: dict[str, list[float]] = {"cpu": [], "pss": []}

    def look(self) -> float:
        """Return wake-ups a second of both together."""
        never = threading.Event()
        self.stack.booty("up", "-d")
        never.wait(SETTLED)
        both = _watchers(self.stack.root)
        waits, cpu = sum(map(_waits, both)), sum(map(_cpu, both))
        never.wait(SECONDS)
        self.found["cpu"].append((sum(map(_cpu, both)) - cpu) / SECONDS * 100)
        self.found["pss"].append(sum(map(_pss, both)))
        woken = (sum(map(_waits, both)) - waits) / SECONDS
        self.stack.booty("down")
        return woken

    def median(self, name: str) -> Callable[[], float]:
        """Return what gives the median of another figure of all looks."""
        return lambda: statistics.median(self.found[name])


def cases(stack: Any) -> list[Case]:
    """Return the figures of an idle stack of 50, the first of which looks."""
    if not os.access("/proc/self/smaps_rollup", os.R_OK):
        return []
    idle, of = Idle(stack), "idle with 50 services, both watchers:"
    return [
        Case(f"{of} wake-ups", "at most 0.2 /s", idle.look, show="{:.2f} /s".format, rounds=3),
        Case(f"{of} processor", "0.01 %", idle.median("cpu"), show="{:.4f} %".format, rounds=1),
        Case(f"{of} memory (PSS)", "20 MB", idle.median("pss"), show="{:.1f} MB".format, rounds=1),
    ]
