"""Hooks that run code, in a stack: called when they should be; a bad one costs nobody else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.run.loop import Loop
from booty.supervise.client import ControlError
from booty.supervise.workers import IDLE, Unknown, Workers
from conftest_supervise import Stack, entry, probe

PROVIDER = """
import os, pathlib, threading
from booty import Component, Health, Launch, StartError, hookimpl
BOOTY_API = 1
TOLD = pathlib.Path(__file__).with_name("told")
def tell(*words):
    with TOLD.open("a") as file:
        print(*words, file=file)
@hookimpl
def components():
    return [Component(id="mine", program="x")]
"""
STOP = """
@hookimpl
async def stop(instance):
    tell("stop", instance.name, instance.dirs.data)
    os.kill(int(pathlib.Path(instance.dirs.root, "pid").read_text()), 15)
"""
DRAIN = """
@hookimpl
async def drain(instance):
    tell("drain", instance.name)
"""
EVENT = """
@hookimpl
async def event(event):
    tell("event", event.kind, event.instance, event.detail.get("to"))
    if event.kind == "state":
        raise RuntimeError("no luck")
"""
HANGS = "threading.Event().wait()"
DIES = "os._exit(3)"
RAISES = "raise RuntimeError('no luck')"
SAYS = 'return "fine"'
PROGRAM = "echo $$ > pid; exec sleep 100"


def bad(verb: str, does: str, arguments: str = "instance") -> str:
    """Return a provider with one hook that does something bad."""
    return f"{PROVIDER}@hookimpl\nasync def {verb}({arguments}):\n    {does}\n"


class Played:
    """A stack of one instance whose provider is written by the test."""

    def __init__(self, stack: Stack, place: Path) -> None:
        self.stack = stack
        self.place = place
        self.python = place / "python"

    def install(self, text: str) -> None:
        """Install the provider where its worker finds it."""
        (self.place / "mine_module.py").write_text(text)
        info = self.place / "mine-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[booty]\nmine = mine_module\n")
        path = f'PYTHONPATH="{self.place}:$PYTHONPATH"'
        self.python.write_text(f'#!/bin/sh\n{path} exec {sys.executable} "$@"\n')
        self.python.chmod(0o700)

    def up(self, *hooks: str, **changes: Any) -> None:
        """Start the instance."""
        dirs = {name: f"@{{booty:{name}}}" for name in ("data", "config", "logs", "run", "root")}
        own = {"name": "m.0", "service": "m", "stack": "t", "component": "mine", "dirs": dirs}
        self.stack.providers = {"mine": {"hooks": list(hooks), "python": str(self.python)}}
        made = entry("m.0", PROGRAM, provider="mine", component="mine", instance=own, **changes)
        self.stack.up(made)

    def told(self) -> list[str]:
        """Return what the hooks wrote down."""
        file = self.place / "told"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def played(stack: Stack, tmp_path: Path) -> Played:
    """A stack and a folder for its provider."""
    place = tmp_path / "packages"
    place.mkdir()
    return Played(stack, place)


def test_stop_is_asked_of_the_hook(played: Played) -> None:
    """It gets true values, and what it asks for is a clean end."""
    played.install(PROVIDER + STOP)
    played.up("stop")
    (row,) = played.stack.ask("stop", names=["m.0"])["report"]

    assert row["how"] == "clean"
    assert played.told() == [f"stop m.0 {played.stack.dir}/data/m.0"]


@pytest.mark.parametrize("does", [HANGS, DIES, RAISES], ids=["hangs", "dies", "raises"])
def test_a_stop_that_fails_is_replaced_by_the_signal(played: Played, does: str) -> None:
    """Within the grace, and without a kill."""
    played.install(bad("stop", does))
    played.up("stop", stop={"grace": 1.0})
    (row,) = played.stack.ask("stop", names=["m.0"])["report"]

    assert (row["signal"], row["how"]) == (15, "clean")


def test_drain_comes_before_a_replacement(played: Played) -> None:
    """A restart drains first; a stop for good does not."""
    played.install(PROVIDER + DRAIN)
    played.up("drain")
    played.stack.ask("restart", names=["m.0"])
    played.stack.ask("wait", names=None, **{"for": "ready"})
    played.stack.ask("stop", names=["m.0"])

    assert played.told() == ["drain m.0"]


def test_who_leaves_is_drained(stack: Stack) -> None:
    """Where a service becomes smaller; where all of it goes there is nobody to take its work."""
    told = stack.root / "told"
    traps = f"trap 'echo {{}} >> {told}; exit' USR2; trap exit TERM"
    run = f"{traps}; echo up; while :; do sleep 9 & wait; done"
    names = ("a.0", "a.1", "a.2", "b.0")
    every = [
        entry(name, run.format(name), stop={"drain": "USR2"}, ready=probe(log="up"))
        for name in names
    ]
    stack.up(*every)
    stack.up(*every[:2])

    assert told.read_text().split() == ["a.2"]


def test_a_drain_that_dies_stops_nothing_from_restarting(played: Played) -> None:
    """The plain way is left."""
    played.install(bad("drain", DIES))
    played.up("drain")
    first = played.stack.row("m.0")["pid"]
    played.stack.ask("restart", names=["m.0"])
    played.stack.ask("wait", names=None, **{"for": "ready"})

    assert played.stack.row("m.0")["pid"] != first


def test_events_are_heard_in_order(played: Played) -> None:
    """All of them, whatever the hook does with them; nobody waits."""
    played.install(PROVIDER + EVENT)
    played.up("event")
    played.stack.ask("stop", names=["m.0"])
    played.stack.until(lambda: "event state m.0 stopped" in played.told())
    states = [line for line in played.told() if line.startswith("event state m.0")]

    assert states[-2:] == ["event state m.0 stopping", "event state m.0 stopped"]
    assert "event state m.0 ready" in states


@pytest.mark.parametrize("does", [HANGS, DIES], ids=["hangs", "dies"])
def test_a_bad_hearer_keeps_nobody_waiting(played: Played, does: str) -> None:
    """Start and stop go on while it hangs or dies at every event."""
    played.install(bad("event", does, "event"))
    played.up("event")

    assert played.stack.ask("stop", names=["m.0"])["report"][0]["how"] == "clean"


@pytest.mark.parametrize(
    ("does", "reference"),
    [(DIES, "hook-silent"), (RAISES, "hook-failed"), (SAYS, "hook-answer")],
    ids=["dies", "raises", "says"],
)
def test_a_start_that_fails_is_a_failed_start(played: Played, does: str, reference: str) -> None:
    """With status 7, or that of the provider's fault; nothing is spawned."""
    played.install(bad("start", does, "instance, launch"))
    with pytest.raises(ControlError) as caught:
        played.up("start")

    assert caught.value.data["reference"] == reference
    assert caught.value.data["status"] in {4, 7}
    assert not (played.stack.root / "pid").exists()


@pytest.mark.parametrize("does", [DIES, RAISES, SAYS], ids=["dies", "raises", "says"])
def test_unknown_is_not_unhealthy(played: Played, does: str) -> None:
    """A look that fails says nothing about the instance, which stays ready."""
    played.install(bad("health", does))
    played.up("health", live=probe(exec=["true"], interval=100.0))
    found = played.stack.ask("health", names=["m.0"])["health"]["m.0"]

    assert (found["alive"], found["ready"], found["good"]) == (None, None, None)
    assert found["reason"].startswith("unknown: ")
    assert played.stack.row("m.0")["state"] == "ready"


class Clock:
    """Time that only a test moves on."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        """Return it."""
        return self.time

    def wall(self) -> float:
        """Return it."""
        return self.time


class Called:
    """Workers on a loop of the test's own, and what they run."""

    def __init__(self, played: Played, text: str) -> None:
        played.install(text)
        self.clock = Clock()
        self.loop = Loop(self.clock)
        self.python = {"python": str(played.python)}
        self.workers = Workers(self.loop, {"PATH": os.environ["PATH"]}, 2)

    def close(self) -> None:
        """Leave nothing."""
        self.workers.close()
        self.loop.close()

    def call(self, limit: float = 5.0) -> dict[str, Any]:
        """Let a hook hear of an event."""
        event = {"at": "", "kind": "exit"}
        work = self.workers.call("mine", self.python, "event", limit, event=event)
        task = self.loop.task(work)
        while not task.done:
            self.loop.turn(0.05)
            self.clock.time += 0.05
        return task.result()


@pytest.fixture
def calling(played: Played) -> Iterator[Callable[[str], Called]]:
    """Make workers of a provider's text; they are gone when the test ends."""
    made: list[Called] = []

    def make(text: str) -> Called:
        made.append(Called(played, text))
        return made[0]

    yield make
    made[0].close()


def test_a_worker_ends_after_ten_seconds_without_a_call(calling: Any) -> None:
    """Not before, and each call begins them anew."""
    called = calling(PROVIDER + EVENT.replace('"state"', '"none"'))
    called.call()
    (pid,) = called.workers.pids()
    called.clock.time += IDLE - 0.1
    called.loop.turn(0)
    called.call()
    called.clock.time += IDLE - 0.1
    called.loop.turn(0)
    before = called.workers.pids()
    called.clock.time += 0.2
    called.loop.turn(0)

    assert IDLE == 10.0
    assert before == {pid}
    assert called.workers.pids() == set()


@pytest.mark.parametrize("does", [HANGS, DIES], ids=["hangs", "dies"])
def test_a_worker_that_hangs_or_dies_is_replaced(calling: Any, does: str) -> None:
    """The call is unknown, the worker is gone, and the next call has one of its own."""
    first = f"if not TOLD.exists():\n        tell('first')\n        {does}"
    called = calling(bad("event", first, "event"))
    with pytest.raises(Unknown):
        called.call(0.2)
    gone = called.workers.pids()

    assert gone == set()
    assert called.call() == {"value": [None]}
    assert called.workers.pids() != set()
