"""How fast things end: a whole stack with its supervisor, and a program that does not want to."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any

__all__ = ["DEAF", "FAMILY", "deadline", "gone_with_me"]

FAMILY = """
[services.f{n}]
use = "program"
run = ["/bin/sh", "-c", 'setsid sleep 1000 & echo $! > "$0"; exec sleep 1000', "${{dirs.run}}/up"]
ready = {{ file = "${{dirs.run}}/up" }}
env = {{ BENCH_ROOT = "${{stack.root}}" }}
"""
"""A program with a grandchild in a session of its own."""
GRACE = 0.2
DEAF = f"""
[services.a]
use = "program"
run = "trap '' TERM; while :; do sleep 0.01; done"
grace = "{GRACE}s"
"""
LONGEST = 10.0


def _rows(root: Path) -> list[dict[str, Any]]:
    lines = (root / ".booty/state/instances.jsonl").read_text().splitlines()
    newest = {row["instance"]: row for row in map(json.loads, lines)}
    return [row for row in newest.values() if row.get("pid")]


def _all_gone(pids: list[int], kill: int) -> float:
    fds = [os.pidfd_open(pid) for pid in pids]
    waiting = select.poll()
    for fd in fds:
        waiting.register(fd, select.POLLIN)
    begin = time.perf_counter()
    os.kill(kill, signal.SIGKILL)
    while fds:
        found = waiting.poll(LONGEST * 1000)
        assert found, f"{len(fds)} are still there"
        for fd, _ in found:
            waiting.unregister(fd)
            fds.remove(fd)
            os.close(fd)
    return time.perf_counter() - begin


def gone_with_me(stack: Any) -> float:
    """Seconds from the KILL of a supervisor until each process of its stack is gone."""
    stack.booty("up", "-d", "--lifetime", "die-with-me")
    rows = _rows(stack.root)
    saved = json.loads((stack.root / ".booty/state/stack.json").read_text())
    own = [row["pid"] for row in rows]
    runtime = Path(saved["runtime"])
    hidden = [int((runtime / row["instance"] / "up").read_text()) for row in rows]
    seconds = _all_gone([*own, *hidden], saved["supervisor"]["pid"])
    stack.booty("down")
    return seconds


def deadline(stack: Any) -> float:
    """Seconds that a program which ignores TERM is there beyond its grace, or less than it."""
    stack.booty("up", "-d")
    with (stack.root / ".booty/events.jsonl").open() as events:
        events.seek(0, os.SEEK_END)
        stack.booty("stop", "a", status=9)
        told = [json.loads(line) for line in events]
    at = {one["kind"]: _seconds(one["at"]) for one in told if one["kind"] == "exit"}
    begun = next(_seconds(one["at"]) for one in told if one["detail"].get("to") == "stopping")
    stack.booty("down")
    return abs(at["exit"] - begun - GRACE)


def _seconds(stamp: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(stamp).timestamp()
