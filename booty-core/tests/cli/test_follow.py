"""``booty up`` in the foreground: what it shows, what ends it, and what it ends."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from booty.run import locks
from booty.supervise import state
from sessions import PATIENCE, opened

HEAD = '[stack]\nformat = 1\nname = "t"\n'
TALKER = """
[services.talker]
use = "program"
run = "trap 'echo bye; exit 0' TERM; echo hello; echo x > $F; while :; do sleep 0.05; done"
env = { F = "${stack.root}/up" }
ready = { file = "${stack.root}/up" }
"""
SIDE = '[services.side]\nuse = "program"\nrun = ["sleep", "1000"]\n'
SLOW = '[services.slow]\nuse = "program"\nrun = ["sleep", "1000"]\nready = { log = "never" }\n'
DEAF = """
[services.deaf]
use = "program"
grace = "60s"
run = "trap '' TERM; echo x > $F; while :; do sleep 0.05; done"
env = { F = "${stack.root}/up" }
ready = { file = "${stack.root}/up" }
"""
Open = Callable[..., Any]


@pytest.fixture
def follow(root: Path, booty: Any, stack_env: dict[str, str]) -> Open:
    """Start ``booty`` with pipes, or on a terminal."""

    def start(*arguments: str, terminal: bool = False, **more: str) -> Any:
        argv = [sys.executable, "-m", "booty", *arguments]
        return opened(argv, root, stack_env | more, terminal=terminal)

    return start


def write(root: Path, text: str) -> None:
    """Write booty.toml."""
    (root / "booty.toml").write_text(HEAD + text)


def running(root: Path) -> set[str]:
    """Return the instances that have a process."""
    return {row["instance"] for row in state.read(root / ".booty")["instances"] if row["pid"]}


def watched(root: Path) -> bool:
    """Tell whether guardian or supervisor are there."""
    return locks.held(str(root / ".booty/supervisor.lock"))


def guardian(root: Path) -> int:
    """Return a pidfd of the guardian."""
    return os.pidfd_open(state.read(root / ".booty")["stack"]["guardian"]["pid"])


def gone(pidfd: int) -> None:
    """Wait until a process has ended."""
    assert select.select([pidfd], [], [], PATIENCE)[0]
    os.close(pidfd)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_stop_signal_ends_all(follow: Open, root: Path, number: int) -> None:
    """Lines come behind their instance's name; a signal is an orderly stop with a report."""
    write(root, TALKER)
    with follow("up") as up:
        up.until(r"talker\.0 \| hello\n")
        up.signal(number)
        assert up.end() == 0

    assert "following; ctrl-C stops all" in up.said
    assert "talker.0 | bye\n" in up.said
    assert "talker.0 ended well after" in up.said
    assert not watched(root)


def test_a_second_signal_kills(follow: Open, root: Path) -> None:
    """What does not want to end is killed by the second signal."""
    write(root, DEAF)
    with follow("up") as up:
        up.until("following")
        up.signal(signal.SIGINT)
        up.until("once more to kill")
        up.signal(signal.SIGINT)
        assert up.end() == 130

    assert "deaf.0 had to be killed" in up.said
    assert running(root) == set()


def test_a_grace_that_runs_out(follow: Open, root: Path) -> None:
    """An orderly stop that had to kill in the end is status 9."""
    write(root, DEAF.replace("60s", "200ms"))
    with follow("up") as up:
        up.until("following")
        up.signal(signal.SIGINT)
        assert up.end() == 9


@pytest.mark.parametrize("arguments", [("up",), ("up", "-d")])
def test_interrupted_before_ready(follow: Open, root: Path, arguments: tuple[str, ...]) -> None:
    """A signal before all is ready takes the start back: 130, and nothing is left."""
    write(root, SIDE + SLOW)
    with follow(*arguments) as up:
        up.until("side.0 ready")
        up.signal(signal.SIGINT)
        assert up.end() == 130

    assert not watched(root)


def test_what_is_not_held_goes_on(follow: Open, booty: Any, root: Path) -> None:
    """A second terminal follows what runs; leaving it stops nothing."""
    write(root, TALKER)
    booty("up", "-d")
    with follow("up") as up:
        up.until("ctrl-C leaves it running")
        booty("restart", "talker")
        up.until(r"talker\.0 \| hello\n")
        up.signal(signal.SIGINT)
        assert up.end() == 0

    assert "nothing to do: 1 ready" in up.said
    assert "left; it goes on: booty ps" in up.said
    assert running(root) == {"talker.0"}


def test_brought_down_from_elsewhere(follow: Open, booty: Any, root: Path) -> None:
    """A stack that somebody else brings down ends its follower."""
    write(root, TALKER)
    with follow("up") as up:
        up.until("following")
        booty("down")
        assert up.end() == 0

    assert "talker.0 ended well" in up.said


def test_the_followers_death_ends_the_stack(follow: Open, root: Path) -> None:
    """A follower that is killed lets go of the pipe: everything stops with its grace."""
    write(root, TALKER)
    with follow("up") as up:
        up.until("following")
        watcher = guardian(root)
        up.signal(signal.SIGKILL)
    gone(watcher)

    assert running(root) == set()
    assert "bye\n" in (root / ".booty/logs/talker.0.log").read_text()


def test_the_reader_has_gone(follow: Open, root: Path) -> None:
    """Output that nobody reads any more ends the stack, and no traceback does."""
    write(root, TALKER.replace("sleep 0.05", "echo again; sleep 0.01"))
    with follow("up") as up:
        up.until("again")
        watcher = guardian(root)
        up.hang_up()
        gone(watcher)

    assert running(root) == set()


def test_a_supervisor_that_dies_under_a_follower(follow: Open, booty: Any, root: Path) -> None:
    """The follower of an outliving stack goes on with the successor."""
    write(root, SIDE)
    with follow("up", "--lifetime", "outlive-me") as up:
        up.until("ctrl-C leaves it running")
        os.kill(state.read(root / ".booty")["stack"]["supervisor"]["pid"], signal.SIGKILL)
        write(root, SIDE + TALKER)
        booty("up", "-d")
        up.until(r"talker\.0 \| hello\n")
        up.signal(signal.SIGTERM)
        assert up.end() == 0

    assert running(root) == {"side.0", "talker.0"}


def test_losing_a_critical_service(follow: Open, root: Path) -> None:
    """The loss of a critical service stops the stack: 11, and it is told why."""
    write(root, SIDE + TALKER + 'critical = true\nrestart = "never"\n')
    with follow("up") as up:
        up.until("following")
        rows = {row["instance"]: row for row in state.read(root / ".booty")["instances"]}
        os.kill(rows["talker.0"]["pid"], signal.SIGKILL)
        assert up.end() == 11

    assert "critical-lost: cannot go on" in up.said
    assert not watched(root)


def test_rm(follow: Open, booty: Any, root: Path) -> None:
    """With --rm nothing is left; where data is it is refused, and -d makes no sense with it."""
    write(root, TALKER)
    assert booty("up", "--rm", "-d", status=2).stderr.startswith("Usage: ")
    with follow("up", "--rm") as up:
        up.until("following")
        up.signal(signal.SIGINT)
        assert up.end() == 0
    assert not (root / ".booty").exists()

    booty("up", "-d")
    assert booty("up", "--rm", status=10).stderr.startswith("rm-with-data: ")


def test_taking_over_as_holder(follow: Open, booty: Any, root: Path) -> None:
    """With --lifetime a terminal becomes the holder of a stack that ran on its own."""
    write(root, SIDE)
    booty("up", "-d")
    with follow("up", "--lifetime", "die-with-me") as up:
        up.until("ctrl-C stops all")
        watcher = guardian(root)
        up.signal(signal.SIGKILL)
    gone(watcher)

    assert running(root) == set()


def test_on_a_terminal(follow: Open, root: Path) -> None:
    """A terminal shows what is waited for and for how long, on a line that moves."""
    write(root, SIDE + SLOW + 'ready-timeout = "1s"\n')
    with follow("up", "-d", terminal=True) as up:
        assert up.end() == 8

    shown = [line for line in re.split(r"\r\x1b\[K|\r\n", up.said) if line.startswith("slow.0")]
    moving = [line for line in shown if "starting (waits for a log line like " in line]
    assert len(set(moving)) > 3
    assert "not-ready: " in up.said


def test_ctrl_c_on_a_terminal(follow: Open, root: Path) -> None:
    """Ctrl-C typed on a terminal ends the stack; names are in colour, unless told."""
    write(root, TALKER)
    with follow("up", terminal=True) as up:
        up.until(r"\x1b\[36mtalker\.0\x1b\[0m \| hello")
        up.type(b"\x03")
        assert up.end() == 0

    assert "talker.0 ended well" in up.said
    assert not watched(root)


def test_a_pipe_beside_a_terminal(
    root: Path, booty: Any, stack_env: dict[str, str], tmp_path: Path
) -> None:
    """What is piped has no colours, though the rest goes to a terminal."""
    write(root, TALKER)
    file = tmp_path / "piped"
    words = ["/bin/sh", "-c", f"{sys.executable} -m booty up | tee {file}"]
    with opened(words, root, stack_env, terminal=True) as up:
        up.until("hello")
        booty("down")
        assert up.end() == 0

    assert "talker.0 | hello\n" in file.read_text()
    assert "\x1b" not in file.read_text()


def test_what_ran_before_is_not_told_again(follow: Open, root: Path, booty: Any) -> None:
    """A second up shows what it starts from its first line, and what ran before from now on."""
    write(root, TALKER)
    booty("up", "-d")
    write(
        root,
        TALKER
        + SIDE.replace("side", "late").replace('["sleep", "1000"]', "'echo late; exec sleep 1000'"),
    )
    with follow("up") as up:
        up.until(r"late\.0 +\| late\n")
        up.signal(signal.SIGINT)
        up.end()

    assert "hello" not in up.said
