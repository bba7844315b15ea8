"""``booty events``: when, whose, and what is no event."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from sessions import opened

HEAD = '[stack]\nformat = 1\nname = "t"\n'
ONE = '[services.one]\nuse = "program"\nrun = ["sleep", "1000"]\n'
OTHER = {"at": "2026-01-31T23:30:00.250Z", "kind": "state", "instance": "other.0"}


@pytest.fixture
def events(booty: Any, root: Path) -> Path:
    """A stack that was up once, and its events."""
    (root / "booty.toml").write_text(HEAD + ONE)
    booty("up", "-d")
    booty("down")
    return root / ".booty/events.jsonl"


def told(events: Path, count: int, **detail: Any) -> None:
    """Let somebody else do something, often."""
    line = json.dumps({**OTHER, "detail": {"from": "ready", "to": "backoff", **detail}})
    with events.open("a") as file:
        file.write(f"{line}\n" * count)


def test_when(booty: Any, events: Path) -> None:
    """The day stands there, and the time of whoever looks; JSON has it in UTC."""
    told(events, 1, reason="ended with code 1")

    words = "2026-02-01 08:30:00.250 other.0 state ready -> backoff: ended with code 1\n"
    assert booty("events", "-n", "1", TZ="Asia/Tokyo").stdout == words
    assert json.loads(booty("events", "-n", "1", "--json").stdout)["at"] == OTHER["at"]


def test_of_one_among_many(booty: Any, events: Path) -> None:
    """What one did is found, however much others did since."""
    told(events, 30_000)

    assert "one.0 state" in booty("events", "one", "-n", "1").stdout
    assert booty("events", "one").stdout.count("\n") == booty("events", "one.0").stdout.count("\n")
    assert "other.0" not in booty("events", "one").stdout
    assert booty("events", "-n", str(10**20)).stdout.count("\n") > 30_000


def test_what_is_no_event(booty: Any, events: Path) -> None:
    """Lines that were cut or garbled are passed over."""
    told(events, 1)
    with events.open("a") as file:
        file.write('{"at": 5, "kind": null}\n{}\n[]\nno json\n{"at": "2026-01-31T2')

    assert booty("events", "-n", "1").stdout == ""
    assert "other.0 state ready -> backoff\n" in booty("events", "-n", "9").stdout


def test_a_number_that_is_none(booty: Any, events: Path) -> None:
    """Fewer than none cannot be shown; none can."""
    assert events
    assert "-1 is not in the range" in booty("events", "-n", "-1", status=2).stderr
    assert booty("events", "-n", "0").stdout == ""


def test_follow(events: Path, root: Path, stack_env: dict[str, str]) -> None:
    """Following goes on where showing ended: none is lost, none is told twice."""
    told(events, 1, reason="first")
    words = [sys.executable, "-m", "booty", "events", "-f", "-n", "1"]
    with opened(words, root, stack_env) as shown:
        shown.until("first")
        for number in range(20):
            told(events, 1, reason=f"number {number}.")
        shown.until(r"number 19\.")
        found = re.findall(r"number (\d+)\.", shown.said)

    assert found == [str(number) for number in range(20)]
