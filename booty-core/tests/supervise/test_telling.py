"""What a follower says of events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import state
from booty.supervise.screen import Screen
from booty.supervise.telling import Teller


def happened(kind: str, second: int, **detail: Any) -> dict[str, Any]:
    """Return an event of ``a.0``."""
    at = f"2026-01-01T00:00:{second:02}.000Z"
    return {"at": at, "kind": kind, "instance": "a.0", "detail": detail}


def went(old: str, new: str, second: int, reason: str | None = None) -> dict[str, Any]:
    """Return the event of a new state of ``a.0``."""
    return happened("state", second, **{"from": old, "to": new, "reason": reason})


def arrived(number: int) -> dict[str, Any]:
    """Return the event of an instance that gets ready."""
    detail = {"from": "starting", "to": "ready", "reason": None}
    at = f"2026-01-01T00:00:0{number}.000Z"
    return {"at": at, "kind": "state", "instance": f"a.{number}", "detail": detail}


def test_what_was_written_and_heard_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who listens and then reads what was before hears some of it again, and says it once."""
    events = [arrived(number) for number in range(4)]
    folder = state.Folder(tmp_path)
    written = "".join(f"{json.dumps(one)}\n" for one in events[:3])
    Path(folder.events).write_text(written)
    teller = Teller(folder, Screen(quiet=False))
    teller.replay(0)
    for event in events[1:]:
        teller.take(event)

    said = capsys.readouterr().err.splitlines()
    assert said == [f"a.{number} ready after 0.00 s" for number in range(4)]


def test_a_restart_is_told_with_its_cause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How it ended, and how long the new start took; who was asked to end has a report."""
    teller = Teller(state.Folder(tmp_path), Screen(quiet=False))
    ways = [("absent", "configured", 0), ("configured", "starting", 0), ("starting", "ready", 1)]
    for old, new, second in ways:
        teller.take(went(old, new, second))
    teller.starting = False
    teller.take(happened("exit", 50, code=3, signal=None, forced=False, lines=[]))
    for old, new, second in [("ready", "configured", 50), *ways[1:2], ("starting", "ready", 52)]:
        teller.take(went(old, new, max(second, 50)))
    teller.take(happened("exit", 53, code=None, signal=9, forced=False, lines=[]))
    teller.take(went("ready", "backoff", 53, "ended with signal 9; restarted in 1.0 s"))
    teller.take(went("ready", "stopping", 54))
    teller.take(happened("exit", 54, code=None, signal=15, forced=False, lines=[]))

    assert capsys.readouterr().err.splitlines() == [
        "a.0 ready after 1.00 s",
        "a.0 ended with code 3",
        "a.0 ready after 2.00 s",
        "a.0 ended with signal 9",
        "a.0 backoff: ended with signal 9; restarted in 1.0 s",
    ]
