"""What ``--json`` prints is what docs/reference/json.md says, field by field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

TEXT = """
[stack]
format = 1
name = "t"

[services.web]
use = "program"
run = "echo up; exec sleep 1000"
ready = { log = "up" }
reload = { signal = "CONT" }
ports = { http = 0 }
labels = { team = "a" }

[services.side]
use = "program"
run = "echo up; exec sleep 1000"
needs = ["web"]
"""
ORDER = (
    "doctor", "unit", "plan", "up -d", "ps", "describe NAME", "analyze", "ls", "ports", "health",
    "top --once", "logs", "events", "kill NAME", "wait NAME", "reload NAME", "restart NAME",
    "start NAME", "scale NAME=N", "env", "stop NAME", "down",
)  # fmt: skip
ELSEWHERE = {"plan"}


def shapes(page: Path) -> dict[str, Any]:
    """Return the shapes of the table by command; ``None`` where only another page says it."""
    found: dict[str, Any] = {}
    for line in page.read_text().splitlines():
        if line.startswith("| `"):
            commands, told = line[2:].split(" | ", 1)
            for command in re.findall(r"`([^`]+)`", commands):
                found[command] = _shape(told)
    for command, (base, more) in {
        name: one for name, one in found.items() if isinstance(one, tuple)
    }.items():
        found[command] = {**found[base], **more}
    return found


def _shape(told: str) -> Any:
    like = re.match(r"as `(\w+)`, with (.*)", told)
    if like:
        fields = ", ".join(re.findall(r"`([^`]+)`", like[2]))
        return like[1], _parsed("{" + fields + "}")
    written = re.match(r"`([^`]+)`", told)
    return _parsed(written[1]) if written else None


def _parsed(text: str) -> Any:
    # a name without a value stands for any value
    return json.loads(re.sub(r'("[^"]+")(?=\s*[,}])', r"\1: null", text))


def fits(shape: Any, data: Any, place: str) -> None:
    """Show that data has the fields of a shape, those and no others."""
    if shape is None or data is None or isinstance(shape, str):
        return
    if isinstance(shape, list):
        for one in data:
            fits(shape[0], one, f"{place}[]")
        return
    if next(iter(shape)).startswith("<"):
        for name, one in data.items():
            fits(next(iter(shape.values())), one, f"{place}.{name}")
        return
    assert set(data) == set(shape), place
    for name, one in shape.items():
        fits(one, data[name], f"{place}.{name}")


@pytest.fixture
def said(booty: Any, root: Path) -> dict[str, list[Any]]:
    """What each command printed, run in an order in which all of them can."""
    (root / "booty.toml").write_text(TEXT)
    found = {}
    for command in ORDER:
        words = command.replace("NAME=N", "side=2").replace("NAME", "web").split()
        done = booty(*words, "--json", status=None if command == "doctor" else 0)
        one_a_line = command in {"logs", "events"}
        texts = done.stdout.splitlines() if one_a_line else [done.stdout]
        found[command] = [json.loads(text) for text in texts]
    return found


def test_fields(said: dict[str, list[Any]], workspace: Path) -> None:
    """Each command prints the fields that the page names."""
    known = shapes(workspace / "docs/reference/json.md")
    assert set(known) == set(ORDER)
    for command, printed in said.items():
        assert printed, command
        assert (known[command] is None) == (command in ELSEWHERE), command
        for data in printed:
            fits(known[command], data, command)
    (web,) = (row for row in said["ps"][0]["services"] if row["name"] == "web")
    (port,) = (row for row in said["ports"][0]["ports"] if row["root"] == said["ps"][0]["root"])

    assert (port["pid"], port["by"]) == (None, None), "sleep listens nowhere"
    assert said["kill NAME"][0]["sent"] == {"web.0": web["pid"]}
    assert len(said["stop NAME"][0]["report"]) == 3
