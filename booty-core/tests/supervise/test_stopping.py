"""Stopping in the phases in which it is difficult."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from booty.run.loop import LONGEST_TURN
from booty.supervise import client
from booty.supervise.client import connect
from conftest_clock import Clock
from conftest_supervise import PATIENCE, Stack, alive, entry, probe

STUBBORN = (
    "trap : TERM; echo begun; while [ ! -e {gate} ]; do sleep 0.02; done;"
    " trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.02; done"
)
"""A program that loses a TERM that comes before it is ready."""


def starts(stack: Stack, **changes: object) -> int:
    """Bring a program into the middle of its start; returns its number."""
    stack.up(
        entry("a.0", STUBBORN.format(gate=stack.root / "gate"), ready=probe(log="up"), **changes),
        wait=False,
    )
    stack.until(lambda: "begun" in log(stack) and stack.row("a.0")["pid"] is not None)
    return int(stack.row("a.0")["pid"])


def log(stack: Stack) -> str:
    """Return what the program said."""
    file = stack.dir / "logs/a.0.log"
    return file.read_text() if file.exists() else ""


def test_it_is_asked_when_it_is_ready(stack: Stack) -> None:
    """A stop that comes early waits for ready, and the whole grace begins then."""
    starts(stack, stop={"grace": 30.0, "after_ready": True})
    with stack.ensure() as link:
        number = link.send("stop", names=["a"])
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
        assert "cannot be stopped before" in stack.row("a.0")["reason"]
        (stack.root / "gate").touch()
        (row,) = next(
            frame for frame in iter(lambda: link.receive(15.0), None) if frame.get("id") == number
        )["ok"]["report"]

    assert (row["how"], row["code"]) == ("clean", 0)
    assert "asked" in log(stack)


def test_it_is_killed_when_it_never_gets_ready(stack: Stack) -> None:
    """The grace is over and it is not ready: it is killed, and that is said."""
    pid = starts(stack, stop={"grace": 0.3, "after_ready": True})
    (row,) = stack.ask("stop", names=["a"])["report"]

    assert row["how"] == "killed"
    assert not alive(pid)
    assert "asked" not in log(stack)


def test_successor_waits_too(stack: Stack) -> None:
    """The supervisor is killed while it waits: its successor asks nobody early either."""
    starts(stack, stop={"grace": 30.0, "after_ready": True})
    with stack.ensure() as link:
        link.send("stop", names=["a"])
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    before = stack.watchers()
    stack.kill("supervisor")
    stack.followed(before)
    (stack.root / "gate").touch()
    stack.until(lambda: stack.row("a.0")["state"] == "stopped")

    assert stack.row("a.0")["exit"] == {"code": 0, "signal": None, "forced": False}


@pytest.mark.parametrize("after", [True, False])
def test_force_ends_the_waiting(stack: Stack, after: bool) -> None:
    """A second signal kills at once, whatever is waited for."""
    pid = starts(stack, stop={"grace": 60.0, "after_ready": after})
    with stack.ensure() as link:
        link.send("down")
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
        begin = time.monotonic()
        stack.ask("down", force=True)

    assert not alive(pid)
    assert time.monotonic() - begin < 30


def test_the_runtime_folder_goes_with_the_stack(stack: Stack) -> None:
    """Sockets and what programs left there; a link out of it is not followed."""
    place = stack.root / "outside"
    place.mkdir()
    (place / "kept").touch()
    stack.up(entry("a.0", "exec sleep 1000"))
    folder = Path(json.loads((stack.dir / "state/stack.json").read_text())["runtime"])
    (folder / "a.0").mkdir(exist_ok=True)
    (folder / "a.0" / "left").touch()
    (folder / "out").symlink_to(place)
    with connect(stack.dir) as link:
        link.request("down", force=False, timeout=PATIENCE)
        client.wait_until_left(stack.dir, link, PATIENCE)

    assert not folder.exists()
    assert (place / "kept").exists()


def test_the_runtime_folder_stays_while_something_runs(stack: Stack) -> None:
    """Both watchers killed in one instant: the next ones find what runs."""
    stack.up(entry("a.0", "exec sleep 1000"))
    folder = Path(json.loads((stack.dir / "state/stack.json").read_text())["runtime"])
    stack.kill("guardian", "supervisor")

    assert folder.exists()


def test_the_end_in_the_middle_of_an_adoption(stack: Stack) -> None:
    """Both watchers are killed in a stop: a down that starts new ones tells how it went on."""
    deaf = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    stack.up(
        entry("a.0", deaf, ready=probe(log="up"), stop={"grace": 1.0}),
        entry("b.0", "exec sleep 1000"),
    )
    pid = stack.row("a.0")["pid"]
    with connect(stack.dir) as link:
        link.send("down")
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
    stack.kill("guardian", "supervisor")
    with stack.ensure() as link:
        report = link.request("down", timeout=PATIENCE)["report"]
        client.wait_until_left(stack.dir, link, PATIENCE)
    rows = [stack.row(name) for name in ("a.0", "b.0")]

    assert not alive(pid)
    assert [(row["state"], row["pid"]) for row in rows] == [("stopped", None)] * 2
    assert {row["instance"]: row["how"] for row in report}["a.0"] == "killed"


def test_whoever_asked_is_answered_however_slow(stack: Stack, clock: Clock) -> None:
    """Each step takes a turn of its own: who asked for the end, or for a stop, gets the report."""
    deaf = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    stack.up(entry("a.0", deaf, ready=probe(log="up"), stop={"grace": 3600.0}))
    clock.turn(a_look=0.6 * LONGEST_TURN)  # begun, one thing done, and the turn is over
    with connect(stack.dir) as one, connect(stack.dir) as other, connect(stack.dir) as third:
        asked = [one.send("down")]
        stack.until(lambda: stack.row("a.0")["state"] == "stopping")
        asked += [other.send("down", force=True), third.send("stop", names=["a"])]
        told = [link.receive(PATIENCE) or {} for link in (one, other, third)]

    assert [frame.get("id") for frame in told] == asked
    down, again, _ = ([row["how"] for row in frame["ok"]["report"]] for frame in told)
    assert (down, again) == (["killed"], ["killed"])
