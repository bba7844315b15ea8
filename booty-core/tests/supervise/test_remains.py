"""What programs leave behind: found and ended, whoever it belongs to by then."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from conftest_supervise import Stack, alive, entry, probe

DAEMON = """
import os, select, signal, subprocess, sys
if len(sys.argv) > 1:
    if os.fork():
        os._exit(0)
    os.setsid()
    led = os.open(f"/proc/{os.getpid()}", os.O_RDONLY)
    if os.fork():
        os._exit(0)
    while os.path.exists(f"/proc/self/fd/{led}/stat"):
        select.select([], [], [], 0.01)
    with open("left", "a") as file:
        file.write(f"{os.getpid()}\\n")
    signal.pause()
subprocess.run([sys.executable, __file__, "x"])
while not os.path.exists("left"):
    select.select([], [], [], 0.01)
print("up", flush=True)
signal.pause()
"""
"""A program that starts a daemon as daemons are started: two forks, and who led its group ends."""
LEAVES = "setsid sleep 1000 & echo $! >> left; echo up; exec sleep 1000"
"""A program with a child in a session of its own."""


def left(stack: Stack) -> list[int]:
    """Return the children that programs have left, the newest last."""
    return [int(word) for word in (Path(stack.root) / "left").read_text().split()]


@pytest.mark.parametrize("roles", [("supervisor",), ("guardian", "supervisor")])
def test_of_an_adopted_program_that_ends(stack: Stack, roles: tuple[str, ...]) -> None:
    """Nobody above it is ours where both watchers died: it is looked for all the same."""
    stack.up(entry("a.0", LEAVES, ready=probe(log="up")))
    before = stack.watchers()
    stack.kill(*roles)
    if "guardian" in roles:
        stack.ensure().close()
    stack.followed(before)
    (first,) = left(stack)
    os.kill(stack.row("a.0")["pid"], 9)
    stack.until(lambda: len(left(stack)) == 2 and stack.row("a.0")["state"] == "ready")

    assert not alive(first)
    assert alive(left(stack)[1])


def test_a_daemon_of_a_running_program_lives(stack: Stack) -> None:
    """Who led its group is an orphan that ends at once; it is not the program's end."""
    script = stack.root / "daemon.py"
    script.write_text(DAEMON)
    argv = [sys.executable, "-I", "-S", str(script)]
    stack.up(entry("a.0", "", argv=argv, ready=probe(log="up")))
    (pid,) = left(stack)

    assert alive(pid)
    stack.ask("stop", names=["a"])
    assert not alive(pid)
