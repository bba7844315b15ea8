"""Times of lines: as they say themselves, else between marks; what a bad clock or disk leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from booty.run import marks
from booty.run.history import Choice, History, merged
from booty.run.rotation import Policy, rotate
from booty.run.search import finder

NOON = 1_700_000_000.0
"""2023-11-14T22:13:20Z."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where a log may be."""
    return tmp_path / "x.0.log"


def said(history: History, choice: Choice | None = None) -> list[tuple[float, bytes]]:
    """Return times, counted from noon, and lines."""
    return [(one.at - NOON, one.line) for one in history.entries(choice or Choice())]


def test_a_line_tells_its_time(log: Path) -> None:
    """What a line says of its time holds; one without goes on with the one before."""
    log.write_bytes(
        b"2023-11-14T22:13:21Z one\n  at trace\n2023-11-14T22:13:30Z two\n  more\nlast\n"
    )
    marks.add(str(log), [(0, NOON + 100), (log.stat().st_size, NOON + 200)])
    history = History("x.0", str(log), "rfc3339")

    assert [at for at, _ in said(history)] == [1, 1, 10, 10, 10]
    assert next(line for _, line in said(history, Choice(since=NOON + 5))).endswith(b"two")
    assert len(said(history, Choice(until=NOON + 5))) == 2
    assert said(history, Choice(find=finder("two")))[0][0] == 10


def test_between_marks(log: Path) -> None:
    """A line without a time has that of its end, in proportion between two marks."""
    log.write_bytes(b"123456789\n" * 10)
    marks.add(str(log), [(0, NOON), (50, NOON + 10), (50, NOON + 100), (100, NOON + 110)])

    assert [at for at, _ in said(History("x.0", str(log)))] == [
        2, 4, 6, 8, 10, 102, 104, 106, 108, 110,
    ]  # fmt: skip
    assert marks.read(str(log)).before(NOON + 50) == 50


def test_no_marks(log: Path) -> None:
    """A log that nobody watched has the time of its file."""
    log.write_bytes(b"a\n")

    assert said(History("x.0", str(log))) == [(log.stat().st_mtime - NOON, b"a")]
    assert said(History("x.0", str(log.with_name("none.log")))) == []


def test_a_clock_that_was_wrong(log: Path) -> None:
    """After a clock was set back, what was marked before it is not later than what follows."""
    log.write_bytes(b"x\n" * 50)
    marks.add(str(log), [(0, NOON), (40, NOON + 1e8), (60, NOON + 10), (100, NOON + 20)])
    times = [at for at, _ in said(History("x.0", str(log)))]

    assert times == sorted(times)
    assert max(times) == 20
    assert len(said(History("x.0", str(log)), Choice(since=NOON + 15))) >= 10


def test_marks_that_a_full_disk_cut(log: Path) -> None:
    """Half a mark is passed over, also where the next one follows on its line."""
    log.write_bytes(b"x\n" * 50)
    marks.add(str(log), [(0, NOON)])
    with Path(marks.path_of(str(log))).open("ab") as file:
        file.write(marks.line(10, NOON + 1)[:20])
    marks.add(str(log), [(20, NOON + 2), (100, NOON + 10)])

    assert marks.read(str(log)).time(0) == NOON
    assert marks.read(str(log)).time(100) == NOON + 10


def test_marks_go_with_what_they_are_about(log: Path) -> None:
    """When segments go their marks do, but for the last one, which what is left begins with."""
    log.write_bytes(b"x\n" * 5000)
    marks.add(str(log), [(n, NOON + n) for n in range(0, 10_001, 1000)])
    rotate(str(log), Policy(1000, 1e12, 2), NOON)
    left = Path(marks.path_of(str(log))).read_text().splitlines()

    assert 2 <= len(left) < 6
    assert said(History("x.0", str(log)))[-1] == (10_000, b"x")


def test_merged(tmp_path: Path) -> None:
    """Lines of several logs come by time; of one log in their own order."""
    for name, shift in (("a", 0), ("b", 1)):
        log = tmp_path / f"{name}.log"
        log.write_bytes(b"".join(b"%d\n" % (2 * n + shift) for n in range(5)))
        marks.add(str(log), [(2 * n + 2, NOON + 2 * n + shift) for n in range(5)])
    parts = [History(name, str(tmp_path / f"{name}.log")).entries(Choice()) for name in "ab"]

    assert [int(entry.line) for entry in merged(parts)] == list(range(10))
