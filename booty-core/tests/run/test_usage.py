"""What processes use, and whose they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from booty.run import usage

PS = """\
  10     1    10 1-02:03:04.50  2048 Ss
  11    10    10   0:01.25      1024 S
  12     1    12   0:07.00       512 Z
  13     1    13   9:00.00       512 S
"""
PARENT = """
import subprocess, sys
print("up", flush=True)
child = subprocess.Popen(
    [sys.executable, "-c", "print('up', flush=True); sum(range(10_000_000)); input()"],
    stdin=sys.stdin, start_new_session=True,
)
child.wait()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A leader of a session whose child leads another one."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert [process.stdout.readline() for _ in range(2)] == ["up\n", "up\n"]
        yield process
        process.communicate("\n")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_descendants_belong_to_their_leader(parent: Any) -> None:
    """One that called setsid too; memory, descriptors and threads of all are added."""
    found = usage.of([parent.pid])[parent.pid]

    assert (found.processes, found.threads) == (2, 2)
    assert found.memory > 2 * 1024 * 1024
    assert found.descriptors is not None
    assert found.descriptors >= 6


def test_one_that_has_gone_is_left_out() -> None:
    """Nothing is told of it."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    assert usage.of([child.pid]) == {}


def test_processor_time_grows() -> None:
    """Work of this process is seen."""
    before = usage.of([os.getpid()])[os.getpid()].cpu
    while os.times().user + os.times().system < before + 0.05:
        sum(range(10_000))

    assert usage.of([os.getpid()])[os.getpid()].cpu > before


def test_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """``ps`` tells: zombies are left out, times are read in every form, files cannot be counted."""
    done = subprocess.CompletedProcess([], 0, PS, "")
    monkeypatch.setattr(usage.sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(usage, "_descriptors", lambda _: None)
    monkeypatch.setattr(usage, "_memory", lambda row: row.rss)
    found = usage.of([10, 12])

    seconds = 86400 + 2 * 3600 + 3 * 60 + 4.5 + 1.25
    assert found == {10: usage.Usage(seconds, 3072 * 1024, None, 2, 2)}
