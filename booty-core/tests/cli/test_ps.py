"""``booty ps`` in moments that do not last."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

STACK = """
[services.it]
use = "program"
run = ["sleep", "1000"]
"""


def test_between_a_supervisor_and_its_successor(booty: Any, root: Path) -> None:
    """What runs is shown, and that somebody is about to watch it; nothing is called damaged."""
    (root / "booty.toml").write_text(f"[stack]\nformat = 1\n{STACK}")
    booty("up", "-d")
    state = json.loads((root / ".booty/state/stack.json").read_text())
    guardian, supervisor = state["guardian"]["pid"], state["supervisor"]["pid"]
    os.kill(guardian, signal.SIGSTOP)
    try:
        os.kill(supervisor, signal.SIGKILL)
        said = booty("ps")
    finally:
        os.kill(guardian, signal.SIGCONT)

    assert " ready " in said.stdout
    assert "its successor is on its way" in said.stderr
    assert "damaged" not in said.stderr
