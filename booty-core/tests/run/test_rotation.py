"""Rotation under a writer that notices nothing: every line exactly once, whatever is killed."""

from __future__ import annotations

import errno
import gzip
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from booty.run import marks
from booty.run.rotation import LOSS, Policy, Punch, punch, rotate
from booty.run.segments import blocks, folder_of, survey
from booty.run.tail import Tail, last_lines, whole

STEP = 1 if os.environ.get("BOOTY_FAULTS") == "all" else 7
"""Lines of code between two points of a kill; ``make chaos`` takes each."""
KIB = 1 << 10
FOREVER = 1e9
FLOOD = """
import os, sys, time
fd, count = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT), int(sys.argv[2])
end = time.monotonic() + 60
for first in range(0, count, 200):
    os.write(fd, b"".join(b"%09d %s\\n" % (n, b"x" * (n % 90)) for n in range(first, first + 200)))
    if time.monotonic() > end:
        break
"""
ROTATE = """
import sys, time
from booty.run.rotation import Policy, rotate
while True:
    rotate(sys.argv[1], Policy(int(sys.argv[2]), 1e9, 10**6), time.time())
"""


def holes(_: int, __: int) -> None:
    """Refuse to punch, as many file systems do."""
    raise OSError(errno.EOPNOTSUPP, "not supported")


def content(log: Path, begin: int = 0) -> bytes:
    """Return what a reader sees."""
    return b"".join(data for _, data in blocks(str(log), begin))


def allocated(log: Path) -> int:
    """Return the bytes that a file takes on the disk."""
    return log.stat().st_blocks * 512


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of a thousand numbered lines."""
    file = tmp_path / "x.0.log"
    file.write_bytes(b"".join(b"%06d\n" % n for n in range(100_000)))
    return file


def test_a_part_is_moved_and_given_back(log: Path) -> None:
    """The file keeps its size and its last lines, the disk gets the rest back, readers see all."""
    before, size = log.read_bytes(), log.stat().st_size
    assert rotate(str(log), Policy(256 * KIB, FOREVER, 9), 0.0) == []
    parts = [one for one in survey(str(log)).segments if one.there]

    assert log.stat().st_size == size
    assert allocated(log) <= 80 * KIB
    assert [gzip.decompress(Path(one.path).read_bytes()) for one in parts] == [
        before[one.begin : one.end] for one in parts
    ]
    assert all(before[one.end - 1 : one.end] == b"\n" for one in parts)
    assert content(log) == before
    assert content(log, 350_003) == before[350_003:]
    assert last_lines(str(log), 3) == ["099997", "099998", "099999"]
    assert last_lines(str(log), 90_000)[0] == "010000"


def test_not_due(log: Path) -> None:
    """A log that is neither large nor old stays as it is."""
    log_blocks = allocated(log)
    rotate(str(log), Policy(1024 * KIB, FOREVER, 9), time.time())

    assert survey(str(log)).segments == ()
    assert allocated(log) == log_blocks


def test_old_lines_are_rotated_and_removed(log: Path) -> None:
    """Age rotates what is small too, and later removes it; the count goes on."""
    written, size = 1_700_000_000.0, log.stat().st_size
    marks.add(str(log), [(0, written), (size, written + 10)])
    rotate(str(log), Policy(1 << 30, 100.0, 9), written + 105)
    assert survey(str(log)).until == size
    assert len(content(log)) == size
    rotate(str(log), Policy(1 << 30, 100.0, 9), written + 200)
    with log.open("ab") as file:
        file.write(b"new\n")

    assert content(log) == b"new\n"
    assert survey(str(log)).until == size


def test_only_so_many_are_kept(log: Path) -> None:
    """The oldest segments go; what would be removed at once is not even copied."""
    with log.open("ab") as file:
        for n in range(5):
            file.write(b"%05d\n" % n * 50_000)
            file.flush()
            rotate(str(log), Policy(200 * KIB, FOREVER, 2), 0.0)
    known = survey(str(log))

    assert len([one for one in known.segments if one.there]) == 2
    assert content(log).endswith(b"00004\n")
    assert len(content(log)) < 600 * KIB
    assert allocated(log) <= 80 * KIB


def test_nothing_is_kept(log: Path) -> None:
    """With keep = 0 a log is cut and no segment is written."""
    rotate(str(log), Policy(64 * KIB, FOREVER, 0), 0.0)

    assert not [one for one in survey(str(log)).segments if one.there]
    assert content(log).endswith(b"099999\n")
    assert len(content(log)) <= 32 * KIB + 7


def test_no_holes_can_be_made(log: Path) -> None:
    """Where holes cannot be made the file is truncated, and the possible loss is said."""
    before = log.read_bytes()
    policy = Policy(100 * KIB, FOREVER, 99)
    assert rotate(str(log), policy, 0.0, holes) == [LOSS]
    assert log.stat().st_size == 0
    more = b"".join(b"more %06d\n" % n for n in range(20_000))
    with log.open("ab") as file:
        file.write(more)

    assert content(log) == before + more
    assert rotate(str(log), policy, 0.0, holes) == [LOSS]
    assert content(log) == before + more
    assert content(log, len(before)) == more


@pytest.mark.parametrize("truncated", [False, True])
def test_killed_while_it_truncates(log: Path, truncated: bool) -> None:
    """Between the record and the truncation, and behind it, readers know where they are."""
    before, folder = log.read_bytes(), Path(folder_of(str(log)))
    rotate(str(log), Policy(100 * KIB, FOREVER, 99), 0.0, holes)
    (base,) = folder.glob("*.base")
    log.write_bytes(before)
    from booty.run.segments import digest

    with log.open("rb") as file:
        head = digest(file.fileno(), len(before))
    base.rename(folder / f"{base.stem}-{head}.cut")
    if truncated:
        log.write_bytes(b"after\n")

    assert content(log) == before + (b"after\n" if truncated else b"")
    rotate(str(log), Policy(1 << 30, FOREVER, 99), 0.0, holes)
    assert content(log) == before + (b"after\n" if truncated else b"")
    assert not list(folder.glob("*.cut"))


def test_a_program_truncates_its_own_log(log: Path) -> None:
    """A shell's "> /dev/stdout" empties the file: what follows is read, nothing twice."""
    tail = Tail(str(log))
    rotate(str(log), Policy(256 * KIB, FOREVER, 9), 0.0)
    log.write_bytes(b"anew\n")

    assert list(tail.lines()) == ["anew"]
    assert content(log).endswith(b"\nanew\n")
    rotate(str(log), Policy(256 * KIB, FOREVER, 9), 0.0)
    with log.open("ab") as file:
        file.write(b"x\n" * (1 << 20))
    assert content(log).count(b"anew\n") == 1
    assert list(tail.lines()) == ["x"] * (1 << 20)


def test_one_very_long_line(tmp_path: Path) -> None:
    """A line without an end is cut for the copy and put together for readers, in bounded pieces."""
    log = tmp_path / "x.0.log"
    log.write_bytes(b"a" * (5 << 20) + b"\nend\n")
    rotate(str(log), Policy(1 << 20, FOREVER, 99), 0.0)

    assert content(log) == b"a" * (5 << 20) + b"\nend\n"
    pieces = [data for _, data in whole(blocks(str(log)))]
    assert max(map(len, pieces)) <= 3 << 20
    assert pieces[-1].endswith(b"\nend\n")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """NUL and broken UTF-8 go through as they are; a hole is never taken for NULs."""
    log = tmp_path / "x.0.log"
    data = b"\0\0\n\xff\xfe\n" * 40_000 + b"\0\n"
    log.write_bytes(data)
    rotate(str(log), Policy(64 * KIB, FOREVER, 99), 0.0)

    assert content(log) == data
    assert last_lines(str(log), 2) == ["��", "\0"]


@pytest.fixture
def flood(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that writes 200,000 numbered lines as fast as it can."""
    argv = [sys.executable, "-c", FLOOD, str(tmp_path / "f.0.log"), "200000"]
    with subprocess.Popen(argv) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random(flood: subprocess.Popen[bytes], tmp_path: Path, seed: int) -> None:
    """The rotator is killed again and again while a flood runs: a follower sees each line once."""
    chance, log = random.Random(seed), tmp_path / "f.0.log"
    seen: list[str] = []
    tail = Tail(str(log), 0)
    ended = os.pidfd_open(flood.pid)
    while not select.select([ended], [], [], 0)[0]:
        argv = [sys.executable, "-c", ROTATE, str(log), str(64 * KIB)]
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as rotator:
            begun = os.pidfd_open(rotator.pid)
            select.select([begun], [], [], 0.05 + chance.random() / 5)
            seen += tail.lines()
            rotator.send_signal(signal.SIGKILL)
            os.close(begun)
    os.close(ended)
    seen += tail.lines()
    rotate(str(log), Policy(64 * KIB, FOREVER, 10**6), time.time())

    lines = content(log).splitlines()
    assert [int(line[:9]) for line in lines] == list(range(200_000))
    assert [int(line[:9]) for line in seen] == list(range(200_000))
    assert len(survey(str(log)).segments) > 10
    assert allocated(log) <= 200 * KIB


class _Dies:
    """Ends the process before the n-th line of the rotation's own code."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, frame: FrameType, event: str, _: object) -> _Dies | None:
        if not frame.f_code.co_filename.endswith(("run/rotation.py", "run/marks.py")):
            return None
        if event == "line":
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def killed(log: Path, policy: Policy, give_back: Punch, lines: int) -> bool:
    """Rotate in a process that is killed after so many lines of code; tells whether it was."""
    pid = os.fork()
    if not pid:
        try:
            sys.settrace(_Dies(lines))
            rotate(str(log), policy, 2e9, give_back)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: what is synced a thousand times is quick there."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as one:
        yield Path(one)


@pytest.mark.parametrize("give_back", [punch, holes])
def test_killed_anywhere(memory: Path, give_back: Punch) -> None:
    """Killed before each line of its code in turn: a reader sees all, a repeat goes on."""
    log, policy, points = memory / "x.0.log", Policy(8 * KIB, 1e12, 999), 0
    head = b"".join(b"%06d\n" % n for n in range(3000))
    while True:
        shutil.rmtree(folder_of(str(log)), ignore_errors=True)
        log.write_bytes(head)
        marks.add(str(log), [(0, 1e9), (len(head), 1.5e9)])
        more = killed(log, policy, give_back, points)
        assert content(log) == head, points
        with log.open("ab") as file:
            file.write(b"more\n")
        assert content(log) == head + b"more\n", points
        rotate(str(log), policy, 2e9, give_back)
        assert content(log) == head + b"more\n", points
        if not more:
            break
        points += STEP if points > 100 else 1
    assert points > 200
