"""A fault of booty's own costs the instance that it is about, and nothing else.

It is forced by an entry of the run sheet that no plan would write: a value of the wrong type.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from booty.supervise.client import ControlError
from conftest_supervise import Stack, alive, entry, probe

SLEEP = "echo up; exec sleep 1000"
READY = probe(log="up")


def told(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """Return the events of a kind about ``a.0``."""
    lines = map(json.loads, (stack.dir / "events.jsonl").read_text().splitlines())
    return [one["detail"] for one in lines if one["kind"] == kind and one["instance"] == "a.0"]


def log(stack: Stack) -> str:
    """Return the watchers' own words."""
    return (stack.dir / "logs/supervisor.log").read_text()


class Beside:
    """A program that runs beside the one that booty stumbles over."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.entry = entry("b.0", SLEEP, ready=READY)
        stack.up(self.entry)
        self.pid, self.watchers = stack.row("b.0")["pid"], stack.watchers()

    def with_one(self, **broken: Any) -> None:
        """Bring up another one beside it."""
        self.stack.up(entry("a.0", SLEEP, **{"ready": READY, **broken}), self.entry)

    def goes_on(self) -> bool:
        """Tell whether it, and who watches it, are what they were."""
        self.stack.ask("ping")
        return alive(self.pid) and self.stack.watchers() == self.watchers


@pytest.fixture
def beside(stack: Stack) -> Beside:
    """A program that runs already."""
    return Beside(stack)


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ({"umask": "secret"}, "ValueError at starting.py:"),
        ({"ready_timeout": "secret"}, "ValueError at starting.py:"),
    ],
)
def test_in_a_start(beside: Beside, broken: dict[str, Any], where: str) -> None:
    """It is a failed start, told to whoever waits, and what was spawned is gone."""
    with pytest.raises(ControlError) as caught:
        beside.with_one(**broken)

    assert caught.value.reference == "unforeseen"
    assert where in caught.value.message
    assert "Traceback" in log(beside.stack)
    assert "secret" not in beside.stack.told()
    row = beside.stack.row("a.0")
    assert (row["state"], row["pid"]) == ("failed", None)
    assert beside.goes_on()


def test_in_a_change(beside: Beside) -> None:
    """Whoever waits for it is told; what ran goes on as it was."""
    beside.with_one()
    pid = beside.stack.row("a.0")["pid"]
    with pytest.raises(ControlError) as caught:
        beside.with_one(check="none")

    assert caught.value.reference == "unforeseen"
    assert "cannot go on: TypeError at " in caught.value.message
    assert (beside.stack.row("a.0")["state"], alive(pid)) == ("ready", True)
    assert beside.goes_on()


def test_in_a_restart(beside: Beside) -> None:
    """It has failed, which is told with the place; it can be started again, and stopped."""
    beside.with_one(exit_codes=None)
    os.kill(beside.stack.row("a.0")["pid"], signal.SIGKILL)
    beside.stack.until(lambda: beside.stack.row("a.0")["state"] == "failed")

    row = beside.stack.row("a.0")
    assert row["pid"] is None
    assert 'cannot go on with "a.0": TypeError at ends.py:' in row["reason"]
    assert told(beside.stack, "failed")[-1]["reference"] == "unforeseen"
    assert beside.goes_on()
    beside.stack.ask("start", names=["a"])
    beside.stack.until(lambda: beside.stack.row("a.0")["state"] == "ready")


def test_in_its_looks(beside: Beside) -> None:
    """That nobody looks any more is told; the program, which did nothing wrong, goes on."""
    beside.with_one(live={**probe(file="/"), "interval": 0.01, "failures": "x"})
    beside.stack.until(lambda: bool(told(beside.stack, "warning")))

    assert "cannot look at it any more" in told(beside.stack, "warning")[0]["message"]
    assert beside.stack.row("a.0")["state"] == "ready"
    assert beside.goes_on()


@pytest.mark.parametrize("how", ["stop", "down"])
def test_in_a_stop(beside: Beside, how: str) -> None:
    """It is killed if it cannot be stopped as it ought to be; the others are stopped in order."""
    beside.with_one(exit_codes=None)
    pid = beside.stack.row("a.0")["pid"]
    report = beside.stack.ask(how, **({"names": ["a.0"]} if how == "stop" else {}))["report"]

    assert not alive(pid)
    assert not [one for one in report if one["instance"] == "b.0" and one["how"] != "clean"]
    assert beside.goes_on() if how == "stop" else not alive(beside.pid)
