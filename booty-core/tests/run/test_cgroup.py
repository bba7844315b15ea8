"""Control groups of our own."""

from __future__ import annotations

import os
import secrets
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from booty.run import cgroup
from booty.run.cgroup import Group

HIDES = "import os, signal; os.setsid(); os.fork() and os._exit(0); signal.pause()"
PATIENCE = 30.0


@pytest.fixture
def group() -> Iterator[Group]:
    """A group, where this machine gives one."""
    one = Group(f"booty-test-{secrets.token_hex(4)}")
    probe = subprocess.Popen(["sleep", "1000"])
    taken = one.take(probe.pid)
    probe.kill()
    probe.wait()
    if not taken:
        pytest.skip("no control group of cgroup v2 can be made here")
    yield one
    one.remove()


def members(group: Group) -> list[int]:
    """Return who is in it."""
    return [int(line) for line in (Path(str(group.path)) / "cgroup.procs").read_text().split()]


def test_all_in_it_are_killed(group: Group) -> None:
    """A daemon that left its session and its parent is killed with the rest."""
    shell = subprocess.Popen(["sh", "-c", f"read x; {sys.executable} -c '{HIDES}'; sleep 1000"],
                             stdin=subprocess.PIPE)  # fmt: skip
    group.take(shell.pid)
    assert shell.stdin is not None
    shell.stdin.write(b"go\n")
    shell.stdin.flush()
    while len(found := members(group)) < 3:
        select.select([], [], [], 0.01)
    fds = [os.pidfd_open(pid) for pid in found]
    group.kill()
    gone = [bool(select.select([fd], [], [], PATIENCE)[0]) for fd in fds]
    shell.communicate()
    for fd in fds:
        os.close(fd)

    assert all(gone)
    assert members(group) == []
    group.remove()
    assert not Path(str(group.path)).exists()


def test_where_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is done, and nothing fails, where there is no such group."""
    monkeypatch.setattr(cgroup, "_MEMBERSHIP", str(tmp_path / "none"))
    one = Group("x")
    one.leave()
    one.kill()
    one.remove()

    assert (one.path, one.take(os.getpid())) == (None, False)


def test_where_it_may_not_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A group that cannot kill, or is not ours to divide, is left as it was."""
    (tmp_path / "self").mkdir()
    (tmp_path / "membership").write_text("1:name=systemd:/\n0::/self\n")
    (tmp_path / "mounts").write_text(f"30 20 0:26 / {tmp_path} rw shared:9 - cgroup2 cgroup2 rw\n")
    monkeypatch.setattr(cgroup, "_MEMBERSHIP", str(tmp_path / "membership"))
    monkeypatch.setattr(cgroup, "_MOUNTS", str(tmp_path / "mounts"))
    one = Group("x")

    assert one.path == str(tmp_path / "self/x")
    assert not one.take(os.getpid())
    assert list((tmp_path / "self").iterdir()) == []
