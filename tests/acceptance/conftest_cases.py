"""Acceptance cases: one stack in a folder and with a home of its own, by the installed command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import rows
from sessions import PATIENCE, opened

BOOTY = str(Path(sys.executable).with_name("booty"))
"""The command as pip installed it."""
HEAD = '[stack]\nformat = 1\nname = "{name}"\n'
FAKE = """
[services.{name}]
use = "program"
run = ["{python}", "-IS", "${{stack.root}}/fake.py", "{name}", "${{ports.http}}"{options}]
env = {{ ROOT = "${{stack.root}}", DATA = "${{dirs.data}}" }}
ports = {{ http = 0 }}
ready = {{ http = "http://127.0.0.1:${{ports.http}}/health" }}
{more}
"""
ORDER = 'needs = ["{}"]\n'


def fake(name: str, *more: str, **options: Any) -> str:
    """Return a service that runs the fake; more lines of the file, options of its own."""
    words = "".join(f', "{key}={value}"' for key, value in options.items())
    return FAKE.format(name=name, python=sys.executable, options=words, more="\n".join(more))


def shell(name: str, run: str, *more: str) -> str:
    """Return a service that runs a line of the shell."""
    lines = "\n".join(more)
    return f'[services.{name}]\nuse = "program"\nrun = {json.dumps(run)}\n{lines}\n'


CHAIN = fake("a") + fake("b", ORDER.format("a")) + fake("c", ORDER.format("b"))
"""Three fakes, each of which needs the one before."""


class Case:
    """One stack, and everything that is its own.

    Args:
        root: the folder of the stack, made if it is not there.
        home: its BOOTY_HOME.
    """

    def __init__(self, root: Path, home: Path) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.state = root / ".booty"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("BOOTY_")}
        self.command = [BOOTY]
        self.env = kept | {"BOOTY_HOME": str(home)}
        shutil.copy(Path(__file__).with_name("fake.py"), root)

    def write(self, text: str, name: str = "t", stack: str = "") -> None:
        """Write booty.toml."""
        (self.root / "booty.toml").write_text(HEAD.format(name=name) + stack + text)

    def run(
        self, *words: str, status: int | None = 0, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, its output piped."""
        done = subprocess.run(
            [*self.command, *words],
            cwd=cwd or self.root,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=110,
        )
        assert status in {done.returncode, None}, (words, done.returncode, done.stdout, done.stderr)
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command; its output is piped."""
        return subprocess.Popen(
            [*self.command, *words],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def follow(self, *words: str, terminal: bool = True, **env: str) -> Any:
        """Begin a command that goes on; by default on a terminal."""
        return opened([*self.command, *words], self.root, self.env | env, terminal=terminal)

    def ps(self, *words: str) -> dict[str, dict[str, Any]]:
        """Return the rows of ``booty ps --json`` by instance."""
        listed = json.loads(self.run("ps", "--json", *words).stdout)
        return {row["instance"]: row for row in listed["services"]}

    def pids(self) -> dict[str, int]:
        """Return the processes of those that have one."""
        return {name: row["pid"] for name, row in self.ps().items() if row["pid"]}

    def watchers(self) -> dict[str, int]:
        """Return the pids of guardian and supervisor, as they are on record."""
        found = json.loads((self.state / "state/stack.json").read_text())
        return {name: found[name]["pid"] for name in ("guardian", "supervisor") if found[name]}

    def notes(self) -> list[str]:
        """Return what the fakes noted."""
        file = self.root / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def saved(self, instance: str) -> dict[str, Any]:
        """Return what is on disk about an instance."""
        return rows.read(str(self.state / "state/instances.jsonl"))[instance]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one kind."""
        lines = (self.state / "events.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    def states(self, instance: str) -> list[str]:
        """Return the states that an instance went through."""
        found = self.events("state")
        return [one["detail"]["to"] for one in found if one["instance"] == instance]

    def left(self) -> list[str]:
        """Return the command lines of all processes that belong to the folder."""
        return list(self.processes().values())

    def watching(self) -> list[str]:
        """Return the command lines of guardians and supervisors."""
        return [line for line in self.left() if "supervise/__main__.py" in line]

    def processes(self) -> dict[int, str]:
        """Return the command lines of all processes that belong to the folder, by pid."""
        found = {}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                own = f"{self.root}/"
                about = line + f"{(place / 'cwd').readlink()}/"
                if own in about and (place / "stat").read_text().rpartition(")")[2][1] != "Z":
                    found[int(place.name)] = line
        return found

    def end(self) -> None:
        """Bring the stack down, and kill what is left of it."""
        with suppress(AssertionError, OSError):
            self.run("down", status=None)
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def until(true: Any, what: Any = None) -> None:
    """Wait until something is true; looks are 10 ms apart."""
    end, never = time.monotonic() + PATIENCE, threading.Event()
    while not true():
        assert time.monotonic() < end, what() if callable(what) else what
        never.wait(0.01)


def gone(case: Case) -> None:
    """Wait until no process of the stack is left."""
    until(lambda: not case.left(), case.left)


def url(case: Case, instance: str) -> tuple[str, int]:
    """Return host and port of a fake."""
    return "127.0.0.1", case.ps()[instance]["ports"]["http"]


@pytest.fixture
def case(tmp_path: Path) -> Any:
    """A stack of its own; nothing of it outlives the test."""
    made = Case(tmp_path / "stack", tmp_path / "home")
    yield made
    made.end()
