"""Another number of instances than the file says: asked, remembered, dropped, refused."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from booty import Stack, SyncStack
from booty.supervise import state

WEB = """
[stack]
name = "scaled"
[services.web]
use = "program"
run = "{run}"
ready = {{ log = "up" }}
{more}
[services.once]
use = "program"
kind = "task"
run = "true"
[services.far]
use = "external"
url = "mysql://far:1"
ready = {{ exec = ["true"] }}
"""
RUN = "echo up; exec sleep 1000"


def write(root: Path, more: str = "", run: str = RUN) -> None:
    """Write booty.toml."""
    (root / "booty.toml").write_text(WEB.format(run=run, more=more))


def webs(root: Path) -> dict[str, str]:
    """Return the states of the instances of ``web``."""
    rows = state.read(root / ".booty")["instances"]
    return {one["instance"]: one["state"] for one in rows if one["instance"][:4] == "web."}


def saved(root: Path) -> dict[str, Any]:
    """Return what is remembered."""
    found: dict[str, Any] = json.loads((root / ".booty/state/stack.json").read_text())["scale"]
    return found


def up(*numbers: int) -> dict[str, str]:
    """Return instances that are ready."""
    return {f"web.{number}": "ready" for number in numbers}


def test_out_and_in_again(booty: Any, root: Path) -> None:
    """New ones are ready when the command returns; those with the highest numbers go."""
    write(root)
    booty("up", "-d")
    out = booty("scale", "web=3")
    assert webs(root) == up(0, 1, 2)
    assert "web.2 ready" in out.stderr
    booty("scale", "web=2")

    assert webs(root) == up(0, 1)
    assert (root / ".booty/data/web.2/.booty-data").exists()
    last = (root / ".booty/events.jsonl").read_text()
    assert "web has 2 replicas now; its data is kept in data/web.2" in last


def test_remembered_until_the_file_changes(booty: Any, root: Path) -> None:
    """Over down and up, in plan and config; another number in the file ends it, and is said."""
    write(root)
    booty("up", "-d")
    booty("scale", "web=3")
    assert "nothing to do" in booty("up", "-d").stderr
    assert booty("plan", "--diff").stdout == ""
    booty("down")
    assert "+ start web.2: services.web is scaled to 3 replicas" in booty("plan").stdout
    booty("up", "-d")
    assert webs(root) == up(0, 1, 2)
    row = next(one for one in booty("config").stdout.splitlines() if "web.replicas" in one)
    assert row.split()[1:] == ["3", "saved", "by", "scale"]

    write(root, "replicas = 2")
    assert "web.2" in booty("plan", "--diff").stdout
    told = booty("up", "-d").stderr
    assert "the saved scale web=3 is dropped: replicas was changed" in told
    assert (webs(root), saved(root)) == (up(0, 1), {})
    assert "nothing to do" in booty("up", "-d").stderr
    write(root)
    booty("up", "-d")
    assert webs(root) == up(0)


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("nope=2", 3, 'no-service: cannot find "nope": no such service'),
        ("web.0=2", 3, 'not-scalable: cannot scale "web.0": it is one instance'),
        ("web=0", 3, 'replicas-forbidden: cannot scale "web=0": program allows 1 to 200'),
        ("web=201", 3, 'replicas-forbidden: cannot scale "web=201": program allows 1 to 200'),
        ("web=1000000", 3, "booty scale web=200"),
        ("web.front=2", 3, 'not-scalable: cannot scale "web.front": it has no roles'),
        ("once=2", 3, 'not-scalable: cannot scale "once": it is a task'),
        ("far=2", 3, 'not-scalable: cannot scale "far": somebody else runs it'),
        ("web", 2, '"web" is not NAME=N'),
        ("web=many", 2, '"many" is no number of instances'),
        ("web=-1", 2, '"-1" is no number of instances'),
        (f"web={'9' * 5000}", 2, '9" is no number of instances'),
    ],
)
def test_refused(booty: Any, root: Path, asked: str, status: int, said: str) -> None:
    """What cannot be is refused, and nothing is touched or remembered."""
    write(root)
    booty("up", "-d")
    before = state.read(root / ".booty")["instances"]

    assert said in booty("scale", asked, status=status).stderr
    assert state.read(root / ".booty")["instances"] == before
    assert saved(root) == {}


def test_several_faults_at_once(booty: Any, root: Path) -> None:
    """Each number is judged, and none of them is taken if one cannot be."""
    write(root)
    booty("up", "-d")
    told = booty("scale", "web=2", "nope=2", "once=3", status=3).stderr

    assert 'cannot find "nope"' in told
    assert 'cannot scale "once"' in told
    assert webs(root) == up(0)


def test_a_stack_that_is_down_is_not_scaled(booty: Any, root: Path) -> None:
    """It says what to do."""
    write(root)
    told = booty("scale", "web=2", status=10).stderr

    assert "not-running: cannot scale a stack that is not running" in told


def test_what_was_stopped_stays_stopped(booty: Any, root: Path) -> None:
    """A change of one number starts nothing else."""
    other = '[services.other]\nuse = "program"\nrun = ["sleep", "1000"]\n'
    write(root)
    with (root / "booty.toml").open("a") as file:
        file.write(other)
    booty("up", "-d")
    booty("stop", "other")
    booty("scale", "web=2")
    rows = {one["instance"]: one for one in state.read(root / ".booty")["instances"]}

    assert rows["other.0"]["state"] == "stopped"
    assert webs(root) == up(0, 1)


def test_a_start_that_fails_is_gone_on_with(booty: Any, root: Path) -> None:
    """The new one fails: those that ran do, and the next ``up`` tries again."""
    write(root, run=f"mkdir {root}/first 2>/dev/null || [ -e {root}/go ] || exit 3; {RUN}")
    booty("up", "-d")
    assert 'cannot start "web.1"' in booty("scale", "web=2", status=7).stderr
    assert webs(root)["web.0"] == "ready"
    (root / "go").touch()
    booty("up", "-d")

    assert webs(root) == up(0, 1)


def test_a_successor_goes_on(booty: Any, root: Path) -> None:
    """The supervisor is killed while new ones start: its successor brings all of them up."""
    write(root, run="sleep 0.3; echo up; exec sleep 1000")
    booty("up", "-d")
    stack = root / ".booty/state/stack.json"
    pid = json.loads(stack.read_text())["supervisor"]["pid"]
    with ThreadPoolExecutor(1) as other:
        scaling = other.submit(booty, "scale", "web=4")
        until(lambda: json.loads(stack.read_text()).get("target"))
        os.kill(pid, signal.SIGKILL)
        scaling.result()

    assert webs(root) == up(0, 1, 2, 3)
    assert saved(root)["web"]["replicas"] == 4
    assert json.loads(stack.read_text())["target"] is None


def until(seen: Callable[[], Any]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < end, seen
        select.select([], [], [], 0.005)


def test_from_a_program(root: Path, stack_env: dict[str, str], monkeypatch: Any) -> None:
    """The blocking face and the other have it too."""
    for name, value in stack_env.items():
        monkeypatch.setenv(name, value)
    write(root)

    async def grow() -> None:
        async with Stack.open(root / "booty.toml") as stack:
            await stack.up()
            outcome = await stack.scale({"web": 2})
            assert [one["instance"] for one in outcome.changes] == ["web.1"]
            assert {one["state"] for one in await stack.ps()} == {"ready", "done"}

    anyio.run(grow)
    with SyncStack.open(root / "booty.toml") as stack:
        stack.up()
        assert webs(root) == up(0, 1)
        stack.scale({"web": 1})
        assert webs(root) == up(0)
