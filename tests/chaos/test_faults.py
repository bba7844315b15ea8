"""A KILL before each system call of guardian, supervisor and command, each in turn.

``make test`` takes some of the points by chance, ``BOOTY_FAULTS=all`` (``make chaos``) takes all;
``BOOTY_CHAOS_SEED`` repeats a choice.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import state

SEED = int(os.environ.get("BOOTY_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
FAULTS = os.environ.get("BOOTY_FAULTS") or "2"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if FAULTS == "all" else 300)]
TRACER = Path(__file__).with_name("tracer.py")
ROLES = ("", "guardian", "supervisor", "follower", "command")
KILLED = ("guardian", "supervisor", "command")
WRAPPER = """#!/bin/sh
case "$4" in
guardian|supervisor|follower) shift 2; exec {python} -I -S {tracer} {control} "$0" "$@" ;;
*) exec {python} "$@" ;;
esac
"""
# each holds a lock for as long as it lives
ALONE = "exec 9>>$ROOT/{name}.lock; flock -n 9 || echo {name} >> $ROOT/doubled; "
PROGRAM = """
[services.{name}]
use = "program"
run = '{alone}echo started $$$$; echo $$$$ >> $ROOT/{name}.pids; {says}; exec sleep 1000'
env = {{ ROOT = "${{stack.root}}", UP = "${{dirs.run}}/up", PYTHON = "{python}" }}
ready = {ready}
needs = [{needs}]
"""
SAY = (
    'exec $PYTHON -I -S -c "import os, socket;'
    " socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto("
    'bytes.fromhex(\\"52454144593d31\\"), os.environ[\\"NOTIFY_SOCKET\\"]);'
    ' os.execlp(\\"sleep\\", \\"sleep\\", \\"1000\\")"'
)
"""READY=1, in a language that quotes as the shell does; whoever says it does not go away."""
FILE = ("echo up > $UP", '{ file = "${dirs.run}/up" }')
NOTIFY = (SAY, "{ notify = true }")
"""How a program tells that it is ready."""
TASK = """
[services.t]
use = "program"
kind = "task"
run = "echo ran >> $ROOT/t.ran"
env = { ROOT = "${stack.root}" }
"""
NAMES = ("a", "b", "c")


class Faults:
    """A stack whose processes die where they are told to."""

    def __init__(self, root: Path, env: dict[str, str]) -> None:
        self.root = root
        self.env = env
        self.control = root / "control"
        self.wrapper = root / "python"
        words = {"python": sys.executable, "tracer": TRACER, "control": self.control}
        self.wrapper.write_text(WRAPPER.format(**words))
        self.wrapper.chmod(0o755)
        self.control.write_bytes(bytes(24))
        head = '[stack]\nformat = 1\nname = "faults"\n[defaults]\ngrace = "3s"\n'
        needs = {"a": "", "b": '"a", "t"', "c": ""}
        parts = (
            PROGRAM.format(
                name=name,
                needs=needs[name],
                alone=ALONE.format(name=name),
                says=says,
                ready=ready,
                python=sys.executable,
            )
            for name, (says, ready) in zip(NAMES, (FILE, FILE, NOTIFY), strict=True)
        )
        (root / "booty.toml").write_text(head + "".join(parts) + TASK)

    def arm(self, role: str, number: int) -> None:
        """Kill a role at a call, counted from now; 0 only counts."""
        with self.control.open("r+b") as file:  # never another file: it is mapped
            file.write(struct.pack("3q", ROLES.index(role), number, 0))

    def disarm(self) -> None:
        """Leave everybody in peace; what was counted stays."""
        with self.control.open("r+b") as file:
            file.write(bytes(8))

    def made(self) -> int:
        """Return how many calls were counted."""
        return int(struct.unpack("3q", self.control.read_bytes())[2])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that starts traced watchers."""
        return subprocess.run(
            [sys.executable, TRACER, self.control, self.wrapper, "command", *words],
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=90,
        )

    def well(self, *words: str) -> None:
        """Run a command that must end well."""
        done = self.run(*words)
        assert done.returncode == 0, (SEED, words, done.stdout + done.stderr)

    def pids(self, name: str) -> list[int]:
        """Return the processes that a program ever had."""
        try:
            return [int(line) for line in (self.root / f"{name}.pids").read_text().split()]
        except OSError:
            return []

    def living(self) -> dict[str, list[int]]:
        """Return the living processes of each program."""
        return {name: [pid for pid in self.pids(name) if _lives(pid)] for name in NAMES}

    def forget(self) -> None:
        """Remove what former lives wrote."""
        for file in (*self.root.glob("*.pids"), *self.root.glob("*.ran")):
            file.unlink()
        for file in (self.root / ".booty/logs").glob("*.log"):
            file.write_bytes(b"")

    def sound(self, why: object) -> None:
        """Look at what must hold of a stack that is up."""
        assert not (self.root / "doubled").exists(), why
        assert {name: len(pids) for name, pids in self.living().items()} == dict.fromkeys(
            NAMES, 1
        ), (why, self.living())
        for name in NAMES:
            text = (self.root / f".booty/logs/{name}.0.log").read_text()
            said = [line for line in text.splitlines() if line.startswith("started")]
            assert len(said) == len(set(said)), (why, said)
            assert {f"started {pid}" for pid in self.pids(name)} <= set(said), (why, said)


def _lives(pid: int) -> bool:
    try:
        return b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture
def faults(root: Path, booty: Any, stack_env: dict[str, str]) -> Faults:
    """A stack that was planned, and is down; ``booty`` brings it down whatever happens."""
    assert booty
    made = Faults(root, stack_env)
    made.well("up", "-d")
    made.well("down")
    return made


def of_up(faults: Faults, why: object) -> None:
    """A start: what came up stays, what is missing comes, the task runs once."""
    first = faults.run("up", "-d")
    faults.disarm()
    before = faults.living()
    faults.well("up", "-d")
    after = faults.living()
    faults.sound(why)
    assert all(set(before[name]) <= set(after[name]) for name in NAMES), (why, before, after)
    ran = (faults.root / "t.ran").read_text().count("ran")
    assert ran == 1 or (first.returncode and ran == 2), (why, ran)
    faults.well("down")
    assert not any(faults.living().values()), why


def of_down(faults: Faults, why: object) -> None:
    """An end: it is over after one more, and nothing is left."""
    _unarmed(faults, "up", "-d")
    faults.run("down")
    faults.disarm()
    faults.well("down")
    assert not any(faults.living().values()), (why, faults.living())


def of_restart(faults: Faults, why: object) -> None:
    """A restart of one: the others go on."""
    _unarmed(faults, "up", "-d")
    before = faults.living()
    faults.run("restart", "b")
    faults.disarm()
    faults.well("up", "-d")
    after = faults.living()
    faults.sound(why)
    assert [after[name] for name in "ac"] == [before[name] for name in "ac"], (why, before, after)
    faults.well("down")


def of_adoption(faults: Faults, why: object) -> None:
    """A successor that dies as well: nobody is restarted."""
    _unarmed(faults, "up", "-d")
    before = faults.living()
    supervisor = state.read(faults.root / ".booty")["stack"]["supervisor"]["pid"]
    os.kill(supervisor, signal.SIGKILL)
    faults.well("up", "-d")
    faults.disarm()
    faults.sound(why)
    assert faults.living() == before, (why, before)
    faults.well("down")


def _unarmed(faults: Faults, *words: str) -> None:
    # what comes before the change under test is left in peace
    armed = faults.control.read_bytes()
    faults.disarm()
    faults.well(*words)
    with faults.control.open("r+b") as file:  # the same file: it is mapped
        file.write(armed)


CHANGES: dict[str, Callable[[Faults, object], None]] = {
    "up": of_up,
    "down": of_down,
    "restart": of_restart,
    "adoption": of_adoption,
}
CASES = [
    *((change, role) for change in ("up", "down") for role in KILLED),
    ("restart", "supervisor"),  # the guardian sleeps through it
    ("restart", "command"),
    ("adoption", "supervisor"),
    ("adoption", "guardian"),
]


def chosen(total: int, change: str, role: str) -> list[int]:
    """Return the points of this run: all, or some by chance."""
    if FAULTS == "all":
        return list(range(1, total + 1))
    count = min(int(FAULTS), total)
    return sorted(random.Random(f"{SEED}{change}{role}").sample(range(1, total + 1), count))


@pytest.mark.parametrize(("change", "role"), CASES)
def test_killed_before_a_call(
    faults: Faults, change: str, role: str, record_property: Callable[[str, object], None]
) -> None:
    """After it, one command makes all well: nothing doubled, lost, left or restarted."""
    begin = time.monotonic()
    faults.forget()
    faults.arm(role, 0)
    CHANGES[change](faults, "no fault")
    total = faults.made()
    points = chosen(total, change, role)
    for number in points:
        faults.forget()
        faults.arm(role, number)
        CHANGES[change](faults, (SEED, change, role, number))
    record_property("points", len(points))
    seconds = time.monotonic() - begin
    print(f"{change}: {role} killed at {len(points)} of {total} calls, {seconds:.0f} s")  # noqa: T201
    assert total > 0
