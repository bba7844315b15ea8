"""A stack with one NATS service, asked through the command."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest
from attrs import define

_T = TypeVar("_T")
PATIENCE = 60.0
SLOTS, WIDTH = 550, 30
"""Rows of ports below the ephemeral ones, so that runs side by side do not meet."""
ORDERS = '[services.bus.streams.orders]\nsubjects = ["orders.>"]\n'


def until(seen: Callable[[], _T]) -> _T:
    """Return what ``seen`` gives as soon as it is true; looks again every 20 ms."""
    never, end = threading.Event(), time.monotonic() + PATIENCE
    while not (found := seen()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {seen}"
        never.wait(0.02)
    return found


@define
class Shop:
    """A stack with one service ``bus``, asked through the command."""

    root: Path
    env: dict[str, str]
    first: int

    def write(self, service: str = "", rest: str = "") -> None:
        """Write booty.toml: keys of the service, then further tables."""
        ports = ", ".join(
            f"{name} = {self.first + 10 * at}"
            for at, name in enumerate(("client", "monitor", "cluster"))
            if name != "cluster" or "replicas" in service
        )
        (self.root / "booty.toml").write_text(
            f'[services.bus]\nuse = "nats"\nports = {{ {ports} }}\n{service}\n{rest}\n'
        )

    def run(self, *arguments: str, status: int | None = 0) -> str:
        """Run the command in the stack's folder; check how it ends; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "booty", *arguments],
            cwd=self.root,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if "cannot be had" in done.stderr or "cannot fetch" in done.stderr:
            pytest.skip(f"nats-server cannot be had here: {done.stderr}")
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stdout + done.stderr

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and go on; it hears ctrl-C, also where tests run in the background."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return self._begin(arguments)
        finally:
            signal.signal(signal.SIGINT, before)

    def _begin(self, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "booty", *arguments],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ps(self) -> dict[str, dict[str, Any]]:
        """What ``ps --json`` says, by instance."""
        return {one["instance"]: one for one in self.table()["services"]}

    def table(self) -> dict[str, Any]:
        """The whole of ``ps --json``."""
        found: dict[str, Any] = json.loads(self.run("ps", "--json"))
        return found

    def streams(self) -> dict[str, dict[str, Any]]:
        """What ``client bus streams`` says, by name."""
        text = self.run("client", "bus", "streams", "--json")
        return {one["config"]["name"]: one for one in json.loads(text)}

    def messages(self) -> int:
        """How many messages the stream ``orders`` holds."""
        return int(self.streams()["orders"]["state"]["messages"])


def heard(stream: IO[str] | None) -> str:
    """Return the next line that a process says."""
    assert stream is not None
    assert select.select([stream], [], [], PATIENCE)[0], "nothing is said"
    return stream.readline().rstrip()


def kill(pid: int) -> None:
    """Kill a process that is not ours, and wait for its end."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        assert select.select([handle], [], [], PATIENCE)[0]
    finally:
        os.close(handle)


@pytest.fixture
def shop(tmp_path: Path, clean_env: dict[str, str], programs: Path) -> Iterator[Shop]:
    """A stack that is down when the test ends; programs come from a store that tests share."""
    home = Path(clean_env["BOOTY_HOME"])
    home.mkdir()
    (home / "store").symlink_to(programs)
    root = tmp_path / "stack"
    root.mkdir()
    made = Shop(root, clean_env, 15000 + os.getpid() % SLOTS * WIDTH)
    yield made
    made.run("down", status=None)
