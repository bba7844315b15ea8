"""A wall clock that jumps under a stack: nothing is restarted, everything goes on."""

from __future__ import annotations

import json

import pytest
from conftest_clock import Clock
from conftest_supervise import Stack, entry, probe

YEAR = 365 * 86400.0
ALWAYS = {"reset": 0.0, "give_up": 1 << 30}


@pytest.mark.parametrize("ahead", [2 * YEAR, -20 * YEAR, 3600.0])
def test_a_jump(stack: Stack, clock: Clock, ahead: float) -> None:
    """One that runs goes on, one that ends is restarted, a successor adopts, and looks go on."""
    looks = stack.root / "looks"
    looks.touch()
    live = probe(exec=["/bin/sh", "-c", f"echo . >> {looks}"], interval=0.05)
    dies = "echo up; sleep 0.2; exit 3"
    stack.up(
        {**entry("a.0", "echo up; exec sleep 1000", ready=probe(log="up")), "live": live},
        entry("b.0", dies, ready=probe(log="up"), restart=ALWAYS),
    )
    before = stack.row("a.0")["pid"]
    clock.turn(ahead)

    def more() -> bool:
        return stack.row("b.0")["restarts"] > restarts + 2 and looks.stat().st_size > size

    for _ in range(2):
        restarts, size = stack.row("b.0")["restarts"], looks.stat().st_size
        stack.until(more)
        watchers = stack.watchers()
        stack.kill("supervisor")
        stack.followed(watchers)
    lines = (stack.dir / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    first, last = _year(events[0]["at"]), _year(events[-1]["at"])

    assert (stack.row("a.0")["state"], stack.row("a.0")["pid"]) == ("ready", before)
    assert "unhealthy" not in {event["kind"] for event in events}
    assert abs(last - first - ahead / YEAR) <= 1, "the clock was not turned"


def _year(stamp: str) -> int:
    return int(stamp.partition("-")[0])
