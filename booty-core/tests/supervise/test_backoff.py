"""When a program that ended is started again, and that a stop does not wait for it."""

from __future__ import annotations

import os
import signal
import time

import pytest
from booty.supervise.policy import pause
from conftest_supervise import Stack, alive, entry, probe

POLICY = {"next": 0.5, "factor": 2.0, "max": 3.0}
SPREAD = 0.1
"""Part of a pause by which it may be longer or shorter."""


@pytest.mark.parametrize(
    ("tries", "seconds"), [(1, 0.0), (2, 0.5), (3, 1.0), (4, 2.0), (5, 3.0), (50, 3.0), (5000, 3.0)]
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


ROLES = [("supervisor",), ("guardian",)]
"""Who is killed; whoever it is, another supervisor comes."""


def succeed(stack: Stack, *roles: str) -> None:
    """Have another supervisor."""
    before = stack.watchers()
    stack.kill(*roles)
    stack.followed(before)


@pytest.mark.parametrize("roles", ROLES)
def test_a_successor_counts_on(stack: Stack, roles: tuple[str, ...]) -> None:
    """A program that ends again and again is given up after as many restarts as one allowed."""
    run = f"echo . >> {stack.root}/runs; echo up; sleep 0.15; exit 3"
    restart = {"next": 0.2, "max": 0.2, "give_up": 4}
    stack.up(entry("a.0", run, ready=probe(log="up"), restart=restart))
    for tries in (2, 3):
        stack.until(lambda tries=tries: stack.row("a.0").get("tries") == tries)
        succeed(stack, *roles)
    stack.until(lambda: stack.row("a.0")["state"] == "failed")

    assert stack.row("a.0")["restarts"] == 4
    assert "given up after 4 restarts" in stack.row("a.0")["reason"]
    assert len((stack.root / "runs").read_text().split()) == 5
    succeed(stack, *roles)
    assert stack.row("a.0")["state"] == "failed"  # and it stays so


@pytest.mark.parametrize("roles", ROLES)
def test_a_successor_waits_on(stack: Stack, roles: tuple[str, ...]) -> None:
    """The pause goes on where it was: it neither ends with the supervisor nor begins anew."""
    run = f"echo . >> {stack.root}/runs; echo up; sleep 0.15; exit 3"
    restart = {"next": 1000.0, "max": 1000.0}
    stack.up(entry("a.0", run, ready=probe(log="up"), restart=restart))
    stack.until(lambda: stack.row("a.0")["state"] == "backoff")
    row = stack.row("a.0")
    succeed(stack, *roles)

    again = stack.row("a.0")
    assert (again["state"], again["again_at"]) == ("backoff", row["again_at"])
    assert (again["reason"], again["since"]) == (row["reason"], row["since"])
    assert len((stack.root / "runs").read_text().split()) == 2
    stack.ask("stop", names=["a"])
    assert stack.row("a.0")["state"] == "stopped"


def test_a_successor_ends_the_pause_in_time(stack: Stack) -> None:
    """What waits for its next try is started when it would have been."""
    run = "echo up; sleep 0.15; exit 3"
    restart = {"next": 1.0, "max": 1.0}
    stack.up(entry("a.0", run, ready=probe(log="up"), restart=restart))
    stack.until(lambda: stack.row("a.0")["state"] == "backoff")
    succeed(stack, "supervisor")
    stack.until(lambda: stack.row("a.0")["state"] == "ready", 5.0)

    assert stack.row("a.0")["tries"] == 2


def test_a_quiet_time_over_successors(stack: Stack) -> None:
    """It is counted from when the program got ready, whoever watched it since."""
    gate = stack.root / "gate"
    run = f"echo up; while [ ! -e {gate} ]; do sleep 0.02; done; rm {gate}; exit 3"
    restart = {"next": 1000.0, "max": 1000.0, "reset": 0.5, "give_up": 1}
    stack.up(entry("a.0", run, ready=probe(log="up"), restart=restart))
    for restarts in (1, 2, 3):
        since = stack.row("a.0")["up_since"]
        stack.until(lambda since=since: time.monotonic() - since > 0.6)
        succeed(stack, "supervisor")  # its own time is shorter than a quiet one
        gate.touch()
        stack.until(lambda n=restarts: stack.row("a.0")["restarts"] == n)
        stack.until(lambda: stack.row("a.0")["state"] == "ready")

    assert stack.row("a.0")["tries"] == 1


@pytest.mark.parametrize(
    ("policy", "code", "state"),
    [("never", 3, "failed"), ("on-failure", 0, "done"), ("always", 0, "ready")],
)
def test_ended_while_nobody_watched(stack: Stack, policy: str, code: int, state: str) -> None:
    """Its policy says what follows, as if somebody had watched."""
    flag = stack.root / "flag"
    run = f"echo up; while [ ! -e {flag} ]; do sleep 0.02; done; rm {flag}; exit {code}"
    stack.up(entry("a.0", run, ready=probe(log="up"), restart={"policy": policy}))
    pid, before = stack.row("a.0")["pid"], stack.watchers()
    os.kill(before["guardian"], signal.SIGSTOP)
    stack.kill("supervisor")
    flag.touch()
    stack.until(lambda: not alive(pid))
    os.kill(before["guardian"], signal.SIGCONT)
    stack.followed(before)
    stack.until(lambda: stack.row("a.0")["state"] == state)

    assert stack.row("a.0")["restarts"] == (1 if state == "ready" else 0)
    assert (stack.row("a.0")["pid"] is not None) is (state == "ready")
