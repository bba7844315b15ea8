"""What ``up`` lets a running supervisor do otherwise, without touching the process."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from booty.run import identity
from booty.supervise import state
from booty.supervise.client import connect

HEAD = '[stack]\nformat = 1\nname = "t"\n[services.a]\nuse = "program"\n'
SLEEPER = 'run = ["sleep", "1000"]\n'
DEAF = "run = \"trap '' TERM; while :; do sleep 1; done\"\n"
PATIENCE = 30.0


def write(root: Path, text: str) -> None:
    """Write booty.toml."""
    (root / "booty.toml").write_text(HEAD + text)


def row(root: Path) -> dict[str, Any]:
    """Return the state of ``a.0``."""
    (found,) = state.read(root / ".booty")["instances"]
    return dict(found)


def until(root: Path, wanted: Callable[[], bool]) -> None:
    """Wait for something that events of the stack bring about."""
    end = time.monotonic() + PATIENCE
    with connect(root / ".booty", PATIENCE) as link:
        link.request("subscribe", timeout=PATIENCE)
        while not wanted():
            assert time.monotonic() < end, (root / ".booty/events.jsonl").read_text()[-3000:]
            next(link.events(0.1), None)


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('labels = { team = "core" }', "labels"),
        ('grace = "3s"', "grace"),
        ('stop-signal = "INT"', "stop-signal"),
        ('restart = "always"', "restart"),
        ('backoff = { next = "1s" }', "backoff"),
        ("exit-codes = [3]", "exit-codes"),
        ('live = { exec = ["true"], interval = "1h" }', "live"),
        ('ready = { exec = ["true"] }\nready-timeout = "7s"', "ready, ready-timeout"),
        ('reload = { signal = "HUP" }', "reload"),
        ("critical = true", "critical"),
    ],
)
def test_taken_over_and_said(booty: Any, root: Path, added: str, said: str) -> None:
    """What is not the program's is taken over by ``up``, which says so; its process goes on."""
    write(root, SLEEPER)
    booty("up", "-d")
    before = row(root)
    write(root, SLEEPER + added)
    planned = booty("plan", "--diff").stdout
    up = json.loads(booty("up", "-d", "--json").stdout)

    reason = f"{said} changed; no restart needed"
    assert planned == f"~ update a.0: {reason}\n"
    assert up["changes"] == [{"instance": "a.0", "action": "update", "reason": reason}]
    assert (row(root)["pid"], row(root)["restarts"]) == (before["pid"], 0)
    assert "nothing to do" in booty("up", "-d").stderr


def test_up_says_it_in_a_line(booty: Any, root: Path) -> None:
    """Without --json it is a line among the others."""
    write(root, SLEEPER)
    booty("up", "-d")
    write(root, f'{SLEEPER}grace = "3s"')

    assert "a.0: update: grace changed; no restart needed" in booty("up", "-d").stderr


def test_live_looks_begin_change_and_end(booty: Any, root: Path) -> None:
    """A ``live`` probe that comes, changes or goes is obeyed by what runs already."""
    live = 'restart = "never"\nlive = {{ file = "{}", interval = "20ms", failures = 1 }}\n'
    (root / "there").touch()
    write(root, SLEEPER)
    booty("up", "-d")
    pid = row(root)["pid"]
    write(root, SLEEPER + live.format("missing"))
    booty("up", "-d")
    until(root, lambda: row(root)["state"] == "degraded")
    write(root, SLEEPER + live.format("there"))
    booty("up", "-d")
    until(root, lambda: row(root)["state"] == "ready")
    write(root, SLEEPER + live.format("missing"))
    booty("up", "-d")
    until(root, lambda: row(root)["state"] == "degraded")
    write(root, SLEEPER)
    booty("up", "-d")

    assert (row(root)["state"], row(root)["pid"]) == ("ready", pid)


def test_restart_policy_holds_for_what_runs(booty: Any, root: Path) -> None:
    """A program that was never to be restarted is, once the file says so."""
    write(root, f'{SLEEPER}restart = "never"')
    booty("up", "-d")
    write(root, f'{SLEEPER}restart = "on-failure"')
    booty("up", "-d")
    pid = row(root)["pid"]
    os.kill(pid, signal.SIGKILL)
    until(root, lambda: row(root)["state"] == "ready" and row(root)["pid"] not in {pid, None})

    assert row(root)["restarts"] == 1


def test_grace_holds_for_what_runs(booty: Any, root: Path) -> None:
    """A shorter grace is the one that is kept at the stop."""
    write(root, f'{DEAF}grace = "90s"')
    booty("up", "-d")
    pid = row(root)["pid"]
    write(root, f'{DEAF}grace = "20ms"')
    booty("up", "-d")
    booty("down", status=9)

    found = identity.stat(pid)
    assert found is None or found.state in {"Z", "X"}


def test_done_service_starts_when_it_shall_always_run(booty: Any, root: Path) -> None:
    """A service that ended well stays so, until the file says ``restart = "always"``."""
    once = 'run = "test -e go && exec sleep 1000; touch go"\n'
    write(root, once)
    booty("up", "-d")
    until(root, lambda: row(root)["state"] == "done")
    assert "nothing to do" in booty("up", "-d").stderr
    write(root, f'{once}restart = "always"')
    booty("up", "-d")

    assert row(root)["state"] == "ready"


def test_external_probe_is_a_command(booty: Any, root: Path) -> None:
    """A server of others may be looked at by a command, in the stack's folder, with variables."""
    (root / "look").write_text("[ $WHO = me ]")
    (root / "booty.toml").write_text(
        '[stack]\nname = "t"\n[services.a]\nuse = "external"\nurl = "mysql://far:1"\n'
        'env = { WHO = "me" }\nready = { exec = "sh look" }\nready-timeout = "5s"\n'
    )
    booty("up", "-d")

    assert (row(root)["state"], row(root)["pid"]) == ("ready", None)
    with (root / "booty.toml").open("a") as file:
        file.write('labels = { a = "b" }\n')
    assert booty("plan", "--diff").stdout == "~ update a.0: labels changed; no restart needed\n"
    assert "a.0: update: labels changed" in booty("up", "-d").stderr
