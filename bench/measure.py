"""Interleaved runs of a thing and its reference, and the table they become."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Case:
    """One promised figure.

    Attributes:
        name: what is measured.
        promise: the figure of the design, in words.
        ours: runs once, returns seconds.
        reference: runs the reference once, returns seconds; ``None`` for an absolute figure.
        beside: what the reference is, in words.
        show: writes a figure, which is mostly seconds.
        rounds: how often it is taken at most; for what takes long.
    """

    name: str
    promise: str
    ours: Callable[[], float]
    reference: Callable[[], float] | None = None
    beside: str = ""
    show: Callable[[float], str] = lambda seconds: f"{seconds * 1000:.0f} ms"
    rounds: int = 1000
    taken: list[float] = field(default_factory=list)
    against: list[float] = field(default_factory=list)

    def run(self, rounds: int) -> None:
        """Take ``rounds`` pairs in turn, after one that does not count."""
        rounds = min(rounds, self.rounds)
        for number in range(rounds + 1):
            ours = self.ours()
            reference = self.reference() if self.reference else None
            if number:
                self.taken.append(ours)
                if reference is not None:
                    self.against.append(reference)

    def row(self) -> str:
        """One line of the Markdown table."""
        ours = statistics.median(self.taken)
        if not self.against:
            return f"| {self.name} | {self.show(ours)} | - | - | {self.promise} |"
        beside = statistics.median(self.against)
        ratio = statistics.median(a / b for a, b in zip(self.taken, self.against, strict=True))
        return (
            f"| {self.name} | {self.show(ours)} | {self.show(beside)} ({self.beside}) |"
            f" {ratio:.2f} | {self.promise} |"
        )


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def shape() -> str:
    """Describe the machine: cores, memory, kernel, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {platform.system()}"
        f" {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


def table(cases: list[Case]) -> str:
    """Return the Markdown table of all cases that ran."""
    head = "| figure | booty | reference | ratio | promise |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *(case.row() for case in cases if case.taken)])
