"""Logs on a full disk: rotation makes room where it can, warns where it cannot, stops nothing."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.run.segments import blocks, survey
from conftest_acceptance import write
from disks import fill, mount, unmount

LINES = """
import os, signal, sys
n = 0
for turn in sys.stdin:
    for _ in range(int(turn)):
        try:
            os.write(1, b"%07d %s\\n" % (n, os.urandom(500).hex().encode()))
        except OSError:
            break
        n += 1
signal.pause()
"""
"""Writes so many lines for each number that it is told."""
STACK = """
[services.x]
use = "program"
run = "exec python3 w.py <> orders"
log = { size = "1MiB", keep = 99 }
"""


@pytest.fixture
def small(root: Path) -> Iterator[Path]:
    """The folder of the stack is a disk of 8 MiB."""
    mount(root, "size=8m")
    yield root
    unmount(root)


def until(wanted: Callable[[], bool], root: Path) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not wanted():
        assert time.monotonic() < end, (root / ".booty/events.jsonl").read_text()[-2000:]
        select.select([], [], [], 0.05)


def rotated(log: Path, times: int) -> bool:
    """Tell whether a log was rotated so often and holds little since."""
    held = log.stat().st_blocks * 512
    return len(survey(str(log)).segments) >= times and held < 512 << 10


def test_full_disk(booty: Any, small: Path) -> None:
    """Older segments go, with a warning; a log that finds no room stays; nothing ends."""
    (small / "w.py").write_text(LINES)
    os.mkfifo(small / "orders")
    write(small, STACK)
    booty("up", "-d")
    log, events = small / ".booty/logs/x.0.log", small / ".booty/events.jsonl"
    with (small / "orders").open("w") as orders:
        for turn in range(1, 5):
            orders.write("1100\n")
            orders.flush()
            # given back too: what is free is measured next
            until(lambda: rotated(log, turn), small)  # noqa: B023 - in this turn
        fill(small, 1100 << 10)
        orders.write("1000\n")
        orders.flush()
        until(lambda: "older segments of the log were removed" in events.read_text(), small)
        (small / "fill").unlink()
    lines = b"".join(data for _, data in blocks(str(log))).splitlines()
    numbers = [int(line[:7]) for line in lines]

    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    (row,) = json.loads(booty("ps", "--json").stdout)["services"]
    assert (row["state"], row["restarts"]) == ("ready", 0)
