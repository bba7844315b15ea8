"""Files that grow are followed, whatever is done to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from booty.run.inotify import open_inotify
from booty.run.tail import LONGEST, Tail, last_lines, wait_readable

PATIENCE = 30.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that is not there yet."""
    return tmp_path / "x.log"


def add(log: Path, data: bytes) -> None:
    """Append as a program does."""
    with log.open("ab") as file:
        file.write(data)


def test_whole_lines_only(log: Path) -> None:
    """A line is told when it has ended, once; what was there before is not told."""
    add(log, b"old\n")
    tail = Tail(str(log))
    add(log, b"one\ntw")
    assert list(tail.lines()) == ["one"]
    add(log, b"o\r\n\n")
    assert list(tail.lines()) == ["two", ""]
    assert list(tail.lines()) == []


def test_made_later_and_made_anew(log: Path) -> None:
    """A file may come later; one that was truncated is read from its beginning."""
    tail = Tail(str(log))
    assert list(tail.lines()) == []
    add(log, b"first\n")
    assert list(tail.lines()) == ["first"]
    log.write_bytes(b"new\n")
    assert list(tail.lines()) == ["new"]
    log.unlink()
    assert list(tail.lines()) == []
    add(log, b"again\n")
    assert list(tail.lines()) == ["again"]


def test_from_an_offset(log: Path) -> None:
    """What was told already is passed by."""
    add(log, b"one\ntwo\n")

    assert list(Tail(str(log), 4).lines()) == ["two"]
    assert list(Tail(str(log), 0).lines()) == ["one", "two"]


def test_what_is_no_text(log: Path) -> None:
    """NUL, broken UTF-8, and a line that does not end are shown, and cost no more than they are."""
    tail = Tail(str(log))
    add(log, b"a\0b\xff\n" + b"x" * (LONGEST + 10))
    lines = list(tail.lines())

    assert lines[0] == "a\0b\ufffd"
    assert sum(map(len, lines[1:])) > LONGEST
    add(log, b"end\n")
    assert list(tail.lines())[-1].endswith("end")


@pytest.mark.parametrize("count", [0, 1, 3, 10000])
def test_last_lines(log: Path, count: int) -> None:
    """The end of a file is read from its end, over many blocks too."""
    lines = [f"{number:05} {'x' * 30}" for number in range(5000)]
    add(log, "".join(f"{line}\n" for line in lines).encode())

    assert last_lines(str(log), count) == (lines[-count:] if count else [])


def test_last_lines_of_nothing(log: Path) -> None:
    """A file that is not there, or is empty, has none; a last line may lack its end."""
    assert last_lines(str(log), 5) == []
    log.touch()
    assert last_lines(str(log), 5) == []
    add(log, b"one\ntwo")
    assert last_lines(str(log), 1) == ["two"]


def test_woken_by_a_folder(log: Path) -> None:
    """A change in the folder ends the wait; a descriptor that can be read is told."""
    watch = open_inotify([str(log.parent)])
    assert watch is not None
    read, write = os.pipe()
    add(log, b"x")
    assert wait_readable([read], watch, PATIENCE) == set()
    os.write(write, b"x")
    assert wait_readable([read], watch, PATIENCE) == {read}
    assert wait_readable([read], None, PATIENCE) == {read}
    for fd in (watch, read, write):
        os.close(fd)


def test_looked_at_without_inotify(log: Path) -> None:
    """Without a folder to wait for, the wait is over soon and the file is looked at."""
    read, write = os.pipe()
    assert wait_readable([read], None, None) == set()
    for fd in (read, write):
        os.close(fd)
