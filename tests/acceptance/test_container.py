"""booty as the first process of a container."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 30.0
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
ORPHAN = "(setsid sh -c 'sleep 0.1; echo ended > {file}' &) ; sleep 0.05"
STACK = """
[stack]
format = 1
name = "t"
{head}
[services.a]
use = "program"
run = "trap 'sleep 0.2; echo bye > bye; exit 0' TERM; while :; do sleep 0.02; done"
"""


class Container:
    """A pid namespace whose first process is ``booty up``."""

    def __init__(self, root: Path, env: dict[str, str]) -> None:
        self.root = root
        self.env = env
        self.out = root / "out"
        self.process: subprocess.Popen[bytes] | None = None

    def up(self, head: str = "", *, ready: bool = True) -> None:
        """Start it, and wait until it follows."""
        (self.root / "booty.toml").write_text(STACK.format(head=head))
        argv = [*UNSHARE, sys.executable, "-m", "booty", "up"]
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                argv, cwd=self.root, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        if ready:
            self.until(lambda: "following" in self.out.read_text())

    def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while not wanted():
            assert time.monotonic() < end, self.out.read_text()
            select.select([], [], [], 0.02)

    @property
    def first(self) -> int:
        """The number that its first process has outside."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def run(self, line: str) -> str:
        """Run a shell line in it, as ``docker exec`` does."""
        argv = ["nsenter", "--target", str(self.first), "--pid", "--mount", "sh", "-c", line]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def stop(self) -> int:
        """Ask it to stop, as ``docker stop`` does; returns its exit status."""
        assert self.process is not None
        os.kill(self.first, signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def container(root: Path, stack_env: dict[str, str]) -> Iterator[Container]:
    """A container that is gone when the test ends."""
    done = subprocess.run([*UNSHARE, "true"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no pid namespace can be made here")
    one = Container(root, stack_env)
    yield one
    if one.process is not None and one.process.poll() is None:
        os.kill(one.first, signal.SIGKILL)
        one.process.wait()


def test_strangers_are_reaped_and_a_stop_is_orderly(container: Container) -> None:
    """What somebody else left in the container is no zombie; the stop signal ends the stack."""
    container.up()
    ended = container.root / "ended"
    container.run(ORPHAN.format(file=ended))
    container.until(ended.exists)
    container.until(lambda: "Z" not in container.run("cat /proc/[0-9]*/stat | cut -d' ' -f3"))

    assert container.stop() == 0
    assert (container.root / "bye").read_text() == "bye\n"


def test_a_stack_that_outlives_is_stopped_too(container: Container) -> None:
    """Nothing outlives the first process: it leaves only when all has ended in good order."""
    container.up('lifetime = "outlive-me"')

    assert container.stop() == 0
    assert (container.root / "bye").read_text() == "bye\n"


def test_a_stop_in_the_middle_of_planning(container: Container) -> None:
    """The kernel keeps signals from a first process that takes none: this one does."""
    pipe = container.root / "booty.local.toml"
    os.mkfifo(pipe)  # it reads, and waits
    container.up(ready=False)
    writer: list[Any] = []

    def waits() -> bool:
        try:
            writer.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    container.until(waits)

    assert container.stop() == 130
    os.close(writer[0])
