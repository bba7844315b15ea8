"""The state of instances in one file: the last row holds, a cut row loses nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import rows
from booty.supervise.rows import SMALL, WASTE, Rows

MARK = "0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the rows are written."""
    return str(tmp_path / "instances.jsonl")


def row(name: str, **more: Any) -> dict[str, Any]:
    """Return a row."""
    return {"instance": name, "format": 1, "mark": MARK, **more}


def test_the_last_row_holds(path: str) -> None:
    """Of each instance the newest row is read, in the order of names."""
    own = Rows(path)
    for number in range(3):
        own.write(row("b.0", pid=number))
        own.write(row("a.0", pid=10 + number))

    assert {name: one["pid"] for name, one in rows.read(path).items()} == {"a.0": 12, "b.0": 2}
    assert list(rows.read(path)) == ["a.0", "b.0"]


def test_a_successor_takes_what_it_finds_once(path: str) -> None:
    """What was there at its start is read once; what it wrote since is not among it."""
    Rows(path).write(row("a.0", pid=1))
    own = Rows(path)
    own.write(row("b.0", pid=2))

    assert own.take_found() == {"a.0": row("a.0", pid=1)}
    assert own.take_found() == {}
    assert rows.read(path) == {"a.0": row("a.0", pid=1), "b.0": row("b.0", pid=2)}


def test_nothing_is_written(path: str) -> None:
    """No file is no row."""
    assert rows.read(path) == {}


def test_forgotten(path: str) -> None:
    """A forgotten instance has no row, also after a successor took over."""
    own = Rows(path)
    own.write(row("a.0"))
    own.write(row("b.0"))
    own.forget("a.0")

    assert list(rows.read(path)) == ["b.0"]
    Rows(path).write(row("c.0"))
    assert list(rows.read(path)) == ["b.0", "c.0"]


def test_file_stays_small(path: str) -> None:
    """Lines of the past are dropped before the file is many times its living rows."""
    own = Rows(path)
    for number in range(5000):
        own.write(row(f"a.{number % 3}", pid=number, reason="x" * 100))

    assert Path(path).stat().st_size < SMALL + (WASTE + 2) * 3 * 250
    assert {one["pid"] for one in rows.read(path).values()} == {4999, 4998, 4997}


def test_file_that_was_removed(path: str) -> None:
    """Somebody removed the file: the next row brings all of them back."""
    own = Rows(path)
    own.write(row("a.0"))
    Path(path).unlink()
    own.write(row("b.0"))

    assert list(rows.read(path)) == ["a.0", "b.0"]


def test_cut_row_with_its_mark(path: str) -> None:
    """A cut row of a new start still says by which mark its process is found."""
    Path(path).write_text(json.dumps(row("a.0", pid=7, state="ready"))[:-20])

    found = rows.read(path)["a.0"]
    assert (found["mark"], found["state"], found.get("pid")) == (MARK, "stopped", None)


@pytest.mark.parametrize("keep", [25, 60, 80])
def test_cut_row_of_the_same_start(path: str, keep: int) -> None:
    """A cut row that brings no new mark leaves the row before it in force."""
    own = Rows(path)
    own.write(row("a.0", pid=7))
    with Path(path).open("a") as file:
        file.write(json.dumps({"instance": "a.0", **row("a.0", pid=7, state="ready")})[:keep])

    assert rows.read(path)["a.0"]["pid"] == 7


def test_full_disk(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that could be written in part only raises, and swallows no later one."""
    own = Rows(path)
    own.write(row("a.0", pid=1))
    real = os.write

    def full(fd: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        return real(fd, data[:30])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="full"):
        own.write(row("a.0", pid=2))
    monkeypatch.setattr(os, "write", real)
    assert rows.read(path)["a.0"]["pid"] == 1

    own.write(row("b.0", pid=3))
    assert {name: one["pid"] for name, one in rows.read(path).items()} == {"a.0": 1, "b.0": 3}


def test_damaged_lines_of_nobody(path: str) -> None:
    """Bytes that name no instance are passed over."""
    Path(path).write_bytes(b"\x00\x00\xff{\n[]\n" + json.dumps({"x": 1}).encode() + b"\n")

    assert rows.read(path) == {}
