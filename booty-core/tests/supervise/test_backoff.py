"""When a program that ended is started again, and that a stop does not wait for it."""

from __future__ import annotations

import pytest
from booty.supervise.living import pause
from conftest_supervise import Stack, entry, probe

POLICY = {"next": 0.5, "factor": 2.0, "max": 3.0}
SPREAD = 0.1
"""Part of a pause by which it may be longer or shorter."""


@pytest.mark.parametrize(
    ("tries", "seconds"), [(1, 0.0), (2, 0.5), (3, 1.0), (4, 2.0), (5, 3.0), (50, 3.0)]
)
def test_pauses_grow_to_a_ceiling(tries: int, seconds: float) -> None:
    """At once, then each time twice as long, never longer than the most; spread by a tenth."""
    found = [pause(POLICY, tries) for _ in range(100)]

    assert all(seconds * (1 - SPREAD) <= one <= seconds * (1 + SPREAD) for one in found)
    assert len(set(found)) > 50 or not seconds


def test_a_quiet_time_is_a_new_beginning(stack: Stack) -> None:
    """One that ran long enough is restarted at once each time, and never given up."""
    run = f"echo . >> {stack.root}/runs; echo up; sleep 0.3; exit 3"
    restart = {"next": 1000.0, "max": 1000.0, "reset": 0.2, "give_up": 1}
    stack.up(entry("a.0", run, ready=probe(log="up"), restart=restart))
    stack.until(lambda: len((stack.root / "runs").read_text()) >= 10)

    assert stack.row("a.0")["state"] != "failed"
    assert '"backoff"' not in stack.told()


@pytest.mark.parametrize("how", ["stop", "down"])
def test_a_stop_does_not_wait_for_the_next_try(stack: Stack, how: str) -> None:
    """One that waits for its next try is stopped at once, and stays so."""
    restart = {"next": 1000.0, "max": 1000.0}
    run = "echo up; sleep 0.15; exit 3"
    other = entry("b.0", "echo up; exec sleep 1000", ready=probe(log="up"))
    stack.up(entry("a.0", run, ready=probe(log="up"), restart=restart), other)
    stack.until(lambda: stack.row("a.0")["state"] == "backoff")
    stack.ask(how, **({"names": ["a.0"]} if how == "stop" else {}))

    assert stack.row("a.0")["state"] == "stopped"
    assert stack.row("b.0")["state"] == ("ready" if how == "stop" else "stopped")
