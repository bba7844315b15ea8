"""Watchers and commands are killed at any moment of any change; then the invariants are looked at.

``BOOTY_CHAOS_SEED`` and ``BOOTY_CHAOS_STEPS`` repeat a run, or make a long one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

SEED = int(os.environ.get("BOOTY_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
STEPS = int(os.environ.get("BOOTY_CHAOS_STEPS") or 8)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240 + 30 * STEPS)]
BLOWS = (
    ("supervisor",),
    ("supervisor",),
    ("guardian",),
    ("guardian", "supervisor"),
    ("command",),
    ("supervisor", "command"),
    ("child",),
    ("child", "supervisor"),
    (),
)
HARMLESS = (signal.SIGHUP, signal.SIGCHLD, signal.SIGCONT, signal.SIGPIPE)
"""Signals that the watchers may get at any time, and that mean nothing."""
COMMANDS = {
    "up": ["up", "-d"],
    "change": ["up", "-d"],
    "down": ["down"],
    "restart": ["restart", "b"],
    "stop": ["stop", "c"],
    "start": ["start", "c"],
}
# each holds a lock for as long as it or a child of its session lives
ALONE = 'exec 9>>$ROOT/{name}.lock; flock -n 9 || echo "{name} $$" >> $ROOT/doubled; '
STACK = """
[stack]
format = 1
name = "chaos"
[defaults]
grace = "3s"
backoff = {{ next = "50ms", max = "200ms", give-up = 100000 }}
[services.a]
use = "program"
run = '{a}echo up; exec sleep 1000'
env = {{ ROOT = "${{stack.root}}" }}
ready = {{ log = "up" }}
[services.b]
use = "program"
run = '{b}sleep 0.05; echo up > $UP; exec sleep 1000'
env = {{ ROOT = "${{stack.root}}", UP = "${{dirs.run}}/up", CHANGE = "{change}" }}
ready = {{ file = "${{dirs.run}}/up" }}
needs = ["a", "t"]
[services.c]
use = "program"
run = '{c}setsid sleep 2000 9>&- & echo up; exec sleep 1000'
env = {{ ROOT = "${{stack.root}}" }}
ready = {{ log = "up" }}
[services.d]
use = "program"
run = '{d}echo up; sleep 0.4; exit 3'
env = {{ ROOT = "${{stack.root}}" }}
ready = {{ log = "up" }}
[services.e]
use = "program"
run = 'n=0; while :; do n=$((n+1)); echo "$$$$ $n"; [ $((n % 200)) = 0 ] && sleep 0.05; done'
env = {{ ROOT = "${{stack.root}}" }}
log = {{ size = "64KiB", keep = 1000 }}
[services.t]
use = "program"
kind = "task"
run = "sleep 0.05"
env = {{ ROOT = "${{stack.root}}" }}
needs = ["a"]
"""


class Chaos:
    """A stack, and somebody who kills."""

    def __init__(self, root: Path, env: dict[str, str]) -> None:
        self.root = root
        self.env = env
        self.chance = random.Random(SEED)
        self.change = 0
        self.history: list[str] = []
        self.write()

    def write(self) -> None:
        """Write the file as it is now."""
        alone = {name: ALONE.format(name=name) for name in "abcd"}
        text = STACK.format(change=self.change, **alone)
        (self.root / "booty.toml").write_text(text)

    def command(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "booty", *words],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, *words: str) -> str:
        """Run a command to its good end; returns what it said."""
        command = self.command(*words)
        said = command.communicate(timeout=60)[0]
        assert command.returncode == 0, (SEED, self.history, words, said)
        return said

    def pids(self) -> dict[str, int]:
        """Return the process of each service."""
        rows = json.loads(self.end("ps", "--json"))["services"]
        assert {row["name"]: row["state"] for row in rows if row["name"] in "abc"} == dict.fromkeys(
            "abc", "ready"
        ), (SEED, self.history)
        return {row["name"]: row["pid"] for row in rows if row["name"] in "abc"}

    def watchers(self) -> dict[str, int]:
        """Return guardian and supervisor, as far as they are on record."""
        try:
            saved = json.loads((self.root / ".booty/state/stack.json").read_text())
        except (OSError, ValueError):
            return {}
        return {name: saved[name]["pid"] for name in ("guardian", "supervisor") if saved.get(name)}

    def pause(self, most: float) -> None:
        """Let something happen meanwhile."""
        threading.Event().wait(self.chance.uniform(0.0, most))

    def strike(self, roles: tuple[str, ...], command: subprocess.Popen[str] | None = None) -> None:
        """KILL, and now and then a signal that means nothing before."""
        pids = self.watchers()
        if self.chance.random() < 0.3:
            _send([*pids.values()], self.chance.choice(HARMLESS))
        if command is not None:
            pids["command"] = command.pid
        if "child" in roles:
            _send([self.chance.choice(sleepers(self.root) or [0])], signal.SIGKILL)
        _send([pids[role] for role in roles if role in pids and _is_ours(pids[role])])

    def step(self) -> bool:
        """Change something, and kill in the middle of it; returns whether all must have gone on."""
        what = self.chance.choice([*COMMANDS, "idle"])
        roles = self.chance.choice(BLOWS)
        self.history.append(f"{what}: KILL {' '.join(roles) or 'nobody'}")
        self.change += what == "change"
        self.write()
        command = self.command(*COMMANDS[what]) if what in COMMANDS else None
        self.pause(0.35)
        self.strike(roles, command)
        if command is not None:
            said = command.communicate(timeout=60)[0]
            assert "Traceback" not in said, (SEED, self.history, said)
        if self.chance.random() < 0.3:
            self.pause(0.1)
            self.strike(self.chance.choice(BLOWS[:4]))
        return what in {"up", "idle"} and "child" not in roles

    def counted(self) -> None:
        """Show that no line of the service that counts was lost or doubled."""
        numbers: dict[str, int] = {}
        for line in self.end("logs", "e", "-n", "100000000").splitlines():
            pid, number = line.rpartition("| ")[2].split()
            assert int(number) == numbers.get(pid, 0) + 1, (SEED, self.history, line, numbers)
            numbers[pid] = int(number)


def _is_ours(pid: int) -> bool:
    try:
        return b"booty" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _send(pids: list[int], number: int = signal.SIGKILL) -> None:
    for pid in pids:
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def sleepers(root: Path) -> list[int]:
    """Return the processes of the services that sleep."""
    return [pid for pid, line in _processes(root) if line.startswith("sleep 1000")]


def living(root: Path) -> list[str]:
    """Return the lines of all processes that have the stack's folder in their environment."""
    return [line for _, line in _processes(root)]


def _processes(root: Path) -> Iterator[tuple[int, str]]:
    word = f"ROOT={root}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word in (place / "environ").read_bytes().split(b"\0"):
                line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                yield int(place.name), line


@pytest.fixture
def chaos(root: Path, booty: Any, stack_env: dict[str, str]) -> Iterator[Chaos]:
    """A stack that is up; ``booty`` brings it down whatever happens."""
    made = Chaos(root, stack_env)
    made.end("up", "-d")
    return made


def test_killed_at_any_moment(chaos: Chaos, root: Path) -> None:
    """After each blow one ``up`` makes all well: nothing doubled, lost, left or restarted."""
    for _ in range(STEPS):
        before = chaos.pids()
        stays = chaos.step()
        chaos.end("up", "-d")
        after, lines = chaos.pids(), living(root)
        story = (SEED, chaos.history, lines)

        assert not (root / "doubled").exists(), story
        assert len([line for line in lines if line.startswith("sleep 1000")]) == 3, story
        assert len([line for line in lines if line.startswith("sleep 2000")]) == 1, story
        assert after == before or not stays, story
    chaos.end("down")
    chaos.counted()

    assert living(root) == [], (SEED, chaos.history)
