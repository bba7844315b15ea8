"""Replicas are restarted in turn; a change that does not work is taken back."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from booty.supervise import state
from test_stacks import until, watchers

WEB = """
[stack]
format = 1
name = "rolling"
[services.web]
use = "program"
replicas = 3
ready-timeout = "20s"
run = '{run}'
env = {{ CHANGE = "{change}" }}
ready = {{ log = "up" }}
"""
GOOD = "echo up; exec sleep 1000"
SLOW = "sleep 0.2; echo up; exec sleep 1000"
LEANING = """
[services.{name}]
use = "program"
run = "echo up; exec sleep 1000"
ready = {{ log = "up" }}
needs = [{{ service = "web", restart = {restart} }}]
"""


def write(root: Path, change: int, run: str = GOOD, rest: str = "") -> None:
    """Write booty.toml."""
    (root / "booty.toml").write_text(WEB.format(run=run, change=change) + rest)


def pids(root: Path) -> dict[str, int]:
    """Return the processes of all instances."""
    rows = state.read(root / ".booty")["instances"]
    return {row["instance"]: row["pid"] for row in rows}


def told(root: Path, kind: str = "state") -> list[tuple[str, str]]:
    """Return which instance went to which state, in order."""
    events = map(json.loads, (root / ".booty/events.jsonl").read_text().splitlines())
    return [(one["instance"], one["detail"]["to"]) for one in events if one["kind"] == kind]


def one_at_a_time(steps: list[tuple[str, str]]) -> bool:
    """Tell whether each was ready again before the next was stopped."""
    down: set[str] = set()
    for name, now in steps:
        if now == "stopping":
            if down:
                return False
            down.add(name)
        elif now == "ready":
            down.discard(name)
    return not down


def test_change_rolls_over_the_replicas(booty: Any, root: Path) -> None:
    """Three replicas get a new environment; two of them are always ready."""
    write(root, 1, SLOW)
    booty("up", "-d")
    before, seen = pids(root), len(told(root))
    write(root, 2, SLOW)
    booty("up", "-d")
    steps = told(root)[seen:]

    assert one_at_a_time(steps), steps
    assert [name for name, now in steps if now == "stopping"] == ["web.0", "web.1", "web.2"]
    assert set(before.values()).isdisjoint(pids(root).values())
    assert "nothing to do" in booty("up", "-d").stderr


def test_restart_rolls_too(booty: Any, root: Path) -> None:
    """``restart`` of a service takes its replicas in turn, and returns when all are ready."""
    write(root, 1, SLOW)
    booty("up", "-d")
    before, seen = pids(root), len(told(root))
    booty("restart", "web")

    assert one_at_a_time(told(root)[seen:])
    assert set(before.values()).isdisjoint(pids(root).values())
    assert {row["state"] for row in state.read(root / ".booty")["instances"]} == {"ready"}


def test_change_that_does_not_work_is_taken_back(booty: Any, root: Path) -> None:
    """The first replica fails: it runs as before, the others were never touched."""
    write(root, 1)
    booty("up", "-d")
    before = pids(root)
    write(root, 2, "echo no luck; exit 3")
    done = booty("up", "-d", status=7)

    assert 'start-exited: cannot start "web.0"' in done.stderr
    assert "no luck" in done.stderr
    assert {name: before[name] for name in ("web.1", "web.2")}.items() <= pids(root).items()
    assert {row["state"] for row in state.read(root / ".booty")["instances"]} == {"ready"}

    write(root, 1)
    booty("up", "-d")
    assert {name: before[name] for name in ("web.1", "web.2")}.items() <= pids(root).items()


def test_second_replica_fails_and_both_are_put_back(booty: Any, root: Path) -> None:
    """What works for one replica and not for the next is taken back from both."""
    write(root, 1)
    booty("up", "-d")
    third = pids(root)["web.2"]
    write(root, 2, f"mkdir {root}/taken 2>/dev/null || exit 4; {GOOD}")
    booty("up", "-d", status=7)
    rows = {row["instance"]: row for row in state.read(root / ".booty")["instances"]}

    assert {row["state"] for row in rows.values()} == {"ready"}
    assert len({row["digest"] for row in rows.values()}) == 1
    assert pids(root)["web.2"] == third
    environ = Path(f"/proc/{rows['web.0']['pid']}/environ").read_bytes().split(b"\0")
    assert b"CHANGE=1" in environ


def ready(root: Path) -> bool:
    """Tell whether all are ready."""
    return {row["state"] for row in state.read(root / ".booty")["instances"]} == {"ready"}


def changes(root: Path) -> list[str]:
    """Return by which change each replica runs."""
    found = []
    for _, pid in sorted(pids(root).items()):
        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        found += [word.decode() for word in words if word.startswith(b"CHANGE=")]
    return found


def test_what_was_put_back_stays_so(booty: Any, root: Path) -> None:
    """Under a successor, too, a replica that ends is started as it was before the bad change."""
    write(root, 1)
    booty("up", "-d")
    write(root, 2, f"mkdir {root}/taken 2>/dev/null || exit 4; {GOOD}")
    booty("up", "-d", status=7)
    booty("self-restart")
    before = pids(root)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    until(root, lambda: ready(root) and set(before.values()).isdisjoint(pids(root).values()))

    assert changes(root) == ["CHANGE=1"] * 3
    write(root, 3)
    booty("up", "-d")
    assert changes(root) == ["CHANGE=3"] * 3
    assert not json.loads((root / ".booty/state/stack.json").read_text())["former"]


def test_successor_puts_back_what_its_predecessor_changed(booty: Any, root: Path) -> None:
    """The supervisor is killed in the second turn, which fails then: the first is put back too."""
    write(root, 1)
    booty("up", "-d")
    third, supervisor = pids(root)["web.2"], watchers(root)["supervisor"]
    write(root, 2, f"mkdir {root}/taken 2>/dev/null || {{ sleep 0.7; exit 4; }}; {GOOD}")
    stack = root / ".booty/state/stack.json"
    with ThreadPoolExecutor(1) as other:
        up = other.submit(booty, "up", "-d", status=7)
        until(root, lambda: json.loads(stack.read_text()).get("rolling") == ["web.1", "web.2"])
        until(root, lambda: ("web.1", "starting") in told(root)[-1:])
        os.kill(supervisor, signal.SIGKILL)
        up.result()
    until(root, lambda: not json.loads(stack.read_text()).get("rolling"))

    assert changes(root) == ["CHANGE=1"] * 3
    assert pids(root)["web.2"] == third


def test_successor_goes_on_with_what_is_left(booty: Any, root: Path) -> None:
    """The supervisor is killed while one of three is restarted: all three end with the change."""
    write(root, 1, SLOW)
    booty("up", "-d")
    before, supervisor = pids(root), watchers(root)["supervisor"]
    write(root, 2, SLOW)
    stack = root / ".booty/state/stack.json"
    with ThreadPoolExecutor(1) as other:
        up = other.submit(booty, "up", "-d")
        until(root, lambda: bool(json.loads(stack.read_text()).get("rolling")))
        os.kill(supervisor, signal.SIGKILL)
        up.result()
    until(root, lambda: set(before.values()).isdisjoint(pids(root).values()))
    until(root, lambda: not json.loads(stack.read_text()).get("rolling"))

    assert {row["state"] for row in state.read(root / ".booty")["instances"]} == {"ready"}
    assert "nothing to do" in booty("up", "-d").stderr


def test_restart_reaches_those_that_asked_for_it(booty: Any, root: Path) -> None:
    """A restart goes on to who needs it with ``restart = true``, and to nobody else."""
    with_it = LEANING.format(name="follows", restart="true")
    rest = with_it + LEANING.format(name="stays", restart="false")
    write(root, 1, rest=rest)
    booty("up", "-d")
    before = pids(root)
    booty("restart", "web")
    after = pids(root)

    assert before["stays.0"] == after["stays.0"]
    assert before["follows.0"] != after["follows.0"]


def test_restart_of_what_cannot_follow(booty: Any, root: Path) -> None:
    """Where one that would be restarted too cannot be, that is said, and nothing is touched."""
    program = root / "follows.sh"
    program.write_text("#!/bin/sh\necho up; exec sleep 1000\n")
    program.chmod(0o755)
    line = 'run = "echo up; exec sleep 1000"'
    follows = LEANING.format(name="follows", restart="true").replace(line, 'run = ["./follows.sh"]')
    write(root, 1, rest=follows)
    booty("up", "-d")
    before = pids(root)
    program.unlink()
    said = booty("restart", "web", status=7).stderr

    assert said.startswith('no-program: cannot start "follows.0"'), said
    assert pids(root) == before


def test_restart_waits_for_those_that_follow(booty: Any, root: Path) -> None:
    """It returns when they are ready as well."""
    follows = LEANING.format(name="follows", restart="true").replace(
        "echo up", "sleep 0.5; echo up"
    )
    write(root, 1, rest=follows)
    booty("up", "-d")
    booty("restart", "web")

    assert {row["state"] for row in state.read(root / ".booty")["instances"]} == {"ready"}


def test_up_of_a_part_waits_for_its_change(booty: Any, root: Path) -> None:
    """``up NAME`` of something ready that is to be restarted returns when it is ready anew."""
    write(root, 1, SLOW)
    booty("up", "-d")
    before = pids(root)
    write(root, 2, SLOW)
    booty("up", "-d", "web")

    assert set(before.values()).isdisjoint(pids(root).values())
    assert {row["state"] for row in state.read(root / ".booty")["instances"]} == {"ready"}
