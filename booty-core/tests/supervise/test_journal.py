"""Events written down: what a full disk cut takes no other event with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WRITES = """
import resource, sys
from booty.run.clock import SystemClock
from booty.supervise.journal import Journal

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

own = Journal(sys.argv[1], SystemClock())
own.tell("first")
room(int(sys.argv[2]))
own.tell("cut")
own.tell("refused")
room(resource.RLIM_INFINITY)
own.tell("second")
own.tell("third")
"""


def kinds(path: Path) -> list[str]:
    """Return the kinds of the events that can be read."""
    found: list[str] = []
    for line in path.read_bytes().splitlines():
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        found.append(event["kind"])
    return found


@pytest.mark.parametrize("room", [79, 80, 81, 100, 150])
def test_full_disk(tmp_path: Path, room: int) -> None:
    """Wherever the room ends, only what there was no room for is missing."""
    path = tmp_path / "events.jsonl"
    argv = [sys.executable, "-c", WRITES, str(path), str(room)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)

    assert kinds(path) == ["first", "second", "third"]
    assert "cannot write an event: " in done.stderr


def test_cut_under_a_predecessor(tmp_path: Path) -> None:
    """A line that a loss of power cut takes nothing of the next one with it."""
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind": "whole"}\n{"at": "2026-0')
    argv = [sys.executable, "-c", WRITES, str(path), str(1 << 20)]
    subprocess.run(argv, check=True)

    assert kinds(path) == ["whole", "first", "cut", "refused", "second", "third"]
