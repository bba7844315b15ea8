"""Bad input: what its tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs/reference/errors.md"
HEAD = '[stack]\nformat = 1\nname = "t"\n'
SLEEPER = 'use = "program"\nrun = ["sleep", "1000"]\n'
GOOD = f"[services.good]\n{SLEEPER}"


def write(root: Path, text: str, name: str = "booty.toml", head: str = HEAD) -> None:
    """Write a file of the stack."""
    (root / name).write_text(head + text)


def refused(booty: Any, root: Path, status: int, reference: str, *words: str, **env: str) -> str:
    """Show that ``up`` is refused once, in one clear error, and that nothing runs."""
    done = booty("up", "-d", "--json", status=status, **env)
    said: str = done.stderr
    fault = json.loads(done.stdout)["error"]

    assert (fault["status"], fault["reference"]) == (status, reference)
    assert f"\n| `{reference}` | {status} |" in PAGE.read_text()
    assert f"{reference}: {fault['message']}\n  hint: {fault['hint']}\n" in said
    assert "faults" not in fault
    assert said.count("hint: ") == 1
    assert "Traceback" not in said
    assert "unexpected" not in said
    for word in words:
        assert word in said
    assert running(booty) == []
    return said


def running(booty: Any) -> list[str]:
    """Return the instances that have a process, and the supervisor if there is one."""
    listed = json.loads(booty("ps", "--json").stdout)
    assert listed["unwatched"] is False
    watched = ["supervisor"] if listed["supervisor"] else []
    return watched + [row["instance"] for row in listed["services"] if row["pid"]]
