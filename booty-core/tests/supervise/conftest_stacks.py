"""Stacks of small real programs, started and asked through the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from booty.run import identity
from booty.supervise import state
from booty.supervise.client import connect

HEAD = '[stack]\nformat = 1\nname = "t"\n'
SLEEPER = 'use = "program"\nrun = ["sleep", "1000"]\n'
SERVER = "exec python3 -m http.server --bind 127.0.0.1 $P"
NOTIFIER = (
    "python3 -c 'import os,socket;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
    's.sendto(b"READY=1",os.environ["NOTIFY_SOCKET"])\'; exec sleep 100'
)
PATIENCE = 30.0


def write(root: Path, text: str) -> None:
    """Write booty.toml."""
    (root / "booty.toml").write_text(HEAD + text)


def row(root: Path, name: str) -> dict[str, Any]:
    """Return an instance's state."""
    rows = {one["instance"]: one for one in state.read(root / ".booty")["instances"]}
    return rows[name]


def watchers(root: Path) -> dict[str, int]:
    """Return the pids of guardian and supervisor."""
    stack = json.loads((root / ".booty/state/stack.json").read_text())
    return {name: stack[name]["pid"] for name in ("guardian", "supervisor")}


def until(root: Path, wanted: Callable[[], bool]) -> None:
    """Wait for something that events of the stack bring about."""
    end = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < end, (root / ".booty/events.jsonl").read_text()[-3000:]
        try:
            with connect(root / ".booty", PATIENCE) as link:
                link.request("subscribe", timeout=PATIENCE)
                if not wanted():
                    next(link.events(0.1), None)
        except Exception:  # noqa: BLE001 - between two supervisors nobody answers
            continue


def alive(pid: int) -> bool:
    """Tell whether a process runs."""
    found = identity.stat(pid)
    return found is not None and found.state not in {"Z", "X"}
