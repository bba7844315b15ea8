"""The guardian of a stack that was up before is forked from its command, and is no less alone."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import forking, state

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is a new program")
TEXT = '[stack]\nformat = 1\nname = "t"\n[services.a]\nuse = "program"\nrun = "exec sleep 1000"\n'
SECRET = "canary-of-a-shell"


@pytest.fixture
def forked(booty: Any, root: Path) -> Path:
    """A stack whose watchers were forked from a command with a secret in its environment."""
    (root / "booty.toml").write_text(TEXT)
    booty("up", "-d")
    booty("down")
    booty("up", "-d", SHELL_TOKEN=SECRET)
    return root


def pids(root: Path) -> dict[str, int]:
    """Return guardian and supervisor."""
    found = state.read(root / ".booty")["stack"]
    return {name: found[name]["pid"] for name in ("guardian", "supervisor")}


def of(pid: int, name: str) -> bytes:
    """Return a file of a process."""
    return Path(f"/proc/{pid}/{name}").read_bytes()


def line(pid: int) -> list[bytes]:
    """Return the words that ``ps`` shows."""
    return of(pid, "cmdline").rstrip(b"\0").replace(b"\0", b" ").split(b" ")


def test_they_are_shown_as_what_they_are(forked: Path) -> None:
    """Names and lines are those of new programs; nothing of the shell is left to be seen."""
    folder = str(forked / ".booty").encode()
    for name, pid in pids(forked).items():
        assert name.encode() in line(pid)
        assert any(folder in word for word in line(pid))
        assert b"up" not in line(pid)
        assert SECRET.encode() not in of(pid, "environ") + of(pid, "cmdline")
        assert os.getsid(pid) == pid or name == "guardian"
        assert str(Path(f"/proc/{pid}/cwd").readlink()) == "/"


def test_they_have_nothing_of_the_command(booty: Any, forked: Path) -> None:
    """Neither its descriptors nor its terminal; what they write goes into their log."""
    assert booty("ps").stdout
    log = str(forked / ".booty/logs/supervisor.log")
    for pid in pids(forked).values():
        files = {file.name: str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}

        assert [files[number] for number in "012"] == ["/dev/null", log, log]
        own = ("socket:", "anon_inode:", "/memfd:", str(forked), "/proc/")
        assert [one for one in files.values() if not one.startswith(own)] == ["/dev/null"]
        assert of(pid, "stat").rpartition(b") ")[2].split()[4] == b"0"  # no terminal


def test_a_successor_is_a_new_program(booty: Any, forked: Path) -> None:
    """After a KILL of either nobody is restarted, and what comes is not of the command."""
    (before,) = json.loads(booty("ps", "--json").stdout)["services"]
    for name in ("supervisor", "guardian"):
        old = pids(forked)
        os.kill(old[name], signal.SIGKILL)
        booty("wait", "a", "--for", "ready")
        booty("up", "-d")
        now = pids(forked)
        assert now[name] != old[name]
        assert b"\0supervisor\0" in of(now["supervisor"], "cmdline")
    (after,) = json.loads(booty("ps", "--json").stdout)["services"]

    assert after["pid"] == before["pid"]


def test_a_process_with_more_in_it_is_not_forked() -> None:
    """A thread would be lost in the middle of something; a low descriptor would be overwritten."""
    held, ended = threading.Event(), threading.Event()

    def wait() -> None:
        held.set()
        ended.wait()

    other = threading.Thread(target=wait)
    other.start()
    held.wait()
    crowded = forking.possible({"lock": 7})
    ended.set()
    other.join()

    assert not crowded
    assert not forking.possible({"lock": 2})
