"""``booty logs``: times, merging, searching and following, across rotations."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from booty.run import marks
from booty.run.rotation import Policy, rotate
from sessions import opened

BASE = 1_700_000_000.0
HEAD = '[stack]\nformat = 1\nname = "t"\n'
QUIET = '[services.{0}]\nuse = "program"\nrun = ["true"]\nrestart = "never"\nkind = "task"\n'
ALL = Policy(0, -1e12, 99)
"""Rotates whatever there is, and keeps it."""


@pytest.fixture
def logs(booty: Any, root: Path) -> dict[str, Path]:
    """Two services that said nothing, and where their logs are."""
    (root / "booty.toml").write_text(HEAD + QUIET.format("a") + QUIET.format("b"))
    booty("up", "-d")
    booty("down")
    return {name: root / f".booty/logs/{name}.0.log" for name in "ab"}


def say(log: Path, at: float, *lines: str) -> None:
    """Let a log grow by lines, one a second."""
    with log.open("ab") as file:
        for number, line in enumerate(lines):
            file.write(f"{line}\n".encode())
            marks.add(str(log), [(file.tell(), BASE + at + number)])


def rotated(log: Path) -> None:
    """Rotate all that there is."""
    rotate(str(log), Policy(1, 1e12, 99), BASE)


def stamp(at: float) -> str:
    """Return a time as RFC 3339."""
    return dt.datetime.fromtimestamp(BASE + at, dt.UTC).isoformat()


def test_merged_by_time(booty: Any, logs: dict[str, Path]) -> None:
    """Lines of several instances come in the order in which they were written."""
    say(logs["a"], 0, "one", "two")
    say(logs["b"], 5, "three")
    say(logs["a"], 7, "four")
    rotated(logs["a"])
    say(logs["b"], 9, "five")

    said = booty("logs").stdout
    assert said == "a.0 | one\na.0 | two\nb.0 | three\na.0 | four\nb.0 | five\n"
    assert booty("logs", "-n", "1").stdout == "a.0 | four\nb.0 | five\n"
    assert booty("logs", "a", "-n", "2").stdout == "two\nfour\n"
    assert booty("logs", "-n", "0").stdout == ""


def test_json_tells_when(booty: Any, logs: dict[str, Path]) -> None:
    """As JSON each line has its time."""
    say(logs["a"], 3, "one")

    (line,) = booty("logs", "--json", "a").stdout.splitlines()
    assert json.loads(line) == {
        "instance": "a.0", "at": stamp(3).replace("+00:00", ".000Z"), "line": "one",
    }  # fmt: skip


def test_since_and_until(booty: Any, logs: dict[str, Path]) -> None:
    """A span of time, in the live file or behind rotations, in both ways to write a time."""
    say(logs["a"], 0, *(f"line {n}" for n in range(50)))
    rotated(logs["a"])
    say(logs["a"], 50, *(f"line {n}" for n in range(50, 100)))

    said = booty("logs", "a", "--since", stamp(40), "--until", stamp(60)).stdout
    assert said.splitlines() == [f"line {n}" for n in range(40, 61)]
    age = f"{time.time() - BASE - 97.5:.1f}s"
    assert booty("logs", "a", "--since", age).stdout.splitlines() == ["line 98", "line 99"]
    assert booty("logs", "a", "--until", stamp(-1)).stdout == ""
    last = booty("logs", "a", "--until", stamp(60), "-n", "2").stdout
    assert last.splitlines() == ["line 59", "line 60"]


def test_times_of_a_day(booty: Any, logs: dict[str, Path]) -> None:
    """Words and times without a date are of the day of whoever looks; ``-t`` shows the same."""
    now = dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=9)))
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    say(logs["a"], noon.timestamp() - 3 * 86400 - BASE, "before")
    say(logs["a"], noon.timestamp() - 86400 - BASE, "yesterday")
    say(logs["a"], noon.timestamp() - BASE, "today")

    def said(*arguments: str) -> list[str]:
        return booty("logs", "a", *arguments, TZ="Asia/Tokyo").stdout.splitlines()

    assert said("--since", "yesterday") == ["yesterday", "today"]
    assert said("--since", "today") == ["today"]
    assert said("--since", "12:00", "-t") == [f"{noon:%Y-%m-%d} 12:00:00.000 today"]
    assert said("--since", "12:00:01") == []
    assert said("--until", "today") == ["before", "yesterday"]


def test_more_than_there_is(booty: Any, logs: dict[str, Path]) -> None:
    """A number of lines that no machine has is as many as there are."""
    say(logs["a"], 0, "one", "two")

    assert booty("logs", "a", "-n", str(10**20)).stdout == "one\ntwo\n"
    assert booty("logs", "a", "--grep", "", "-n", str(10**20)).stdout == "one\ntwo\n"
    assert booty("logs", "a", "--grep", "^$").stdout == ""


def test_of_what_is_gone_from_the_file(booty: Any, logs: dict[str, Path], root: Path) -> None:
    """A service that was taken out of the file may be named: its log is kept, as its data is."""
    say(logs["b"], 0, "last words")
    (root / "booty.toml").write_text(HEAD + QUIET.format("a"))
    booty("up", "-d")

    assert booty("logs", "b").stdout == "last words\n"
    assert "last words" not in booty("logs").stdout
    assert "b.0" in booty("events", "b").stdout
    assert "there is a, b" in booty("logs", "c", status=3).stderr


def test_never_up(booty: Any, root: Path) -> None:
    """Where nothing was started yet that is said, and nobody waits for what cannot come."""
    (root / "booty.toml").write_text(HEAD + QUIET.format("a"))
    for command in (("logs",), ("logs", "-f"), ("events",), ("events", "-f"), ("top", "--once")):
        assert booty(*command).stderr == "never up; booty up -d\n", command
    assert not (root / ".booty").exists()


def test_grep(booty: Any, logs: dict[str, Path]) -> None:
    """Only lines that match, wherever they are; -n takes the last of these."""
    say(logs["a"], 0, "error: one", "fine", "error: two")
    rotated(logs["a"])
    say(logs["a"], 10, "fine", "error: three")

    assert booty("logs", "a", "--grep", "^error").stdout.count("error") == 3
    last = booty("logs", "a", "--grep", "err.r: t", "-n", "1").stdout
    assert last == "error: three\n"
    assert booty("logs", "a", "--grep", "nowhere").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "yesterday?"), '"yesterday?" is neither'),
        (("--since", "25:00"), '"25:00" is neither'),
        (("--since", "5"), '"5" is neither'),
        (("--since", "1m", "--until", "2m"), "--since is later than --until"),
        (("--grep", "("), '"(" is no regular expression'),
        (("-n", "-1"), "-1"),
        (("-f", "--until", "5m"), "-f and --until exclude each other"),
    ],
)
def test_misused(booty: Any, logs: dict[str, Path], arguments: Any, words: str) -> None:
    """What cannot be understood is said, status 2."""
    assert logs
    assert words in booty("logs", *arguments, status=2).stderr


def test_no_text(booty: Any, logs: dict[str, Path]) -> None:
    """NUL and broken UTF-8 come as they are; in JSON what is no text is replaced."""
    logs["a"].write_bytes(b"\0a\n\xff\n")

    assert booty("logs", "b").stdout == ""
    lines = booty("logs", "--json", "a").stdout.splitlines()
    assert [json.loads(line)["line"] for line in lines] == ["\0a", "�"]


def test_a_terminal_is_not_driven(
    logs: dict[str, Path], booty: Any, root: Path, stack_env: dict[str, str]
) -> None:
    """What a program writes colours a terminal and does nothing else to it; a pipe gets it all."""
    raw = b"\x1b[2J\x1b]0;owned\x07\x1b[31mred\x1b[0m and\ttab\x08\n 10 %\r100 %\r\nplain\n"
    logs["a"].write_bytes(raw)
    words = [sys.executable, "-m", "booty", "logs", "a"]
    with opened(words, root, stack_env, terminal=True) as shown:
        assert shown.end() == 0
        assert shown.said == "\x1b[31mred\x1b[0m and\ttab\x1b[0m\r\n100 %\r\nplain\r\n"
    with opened(words, root, stack_env | {"NO_COLOR": "1"}, terminal=True) as shown:
        assert shown.end() == 0
        assert shown.said.startswith("red and\ttab\r\n")
    assert booty("logs", "a").stdout.startswith("\x1b[2J")


def test_reader_leaves(booty: Any, logs: dict[str, Path], root: Path) -> None:
    """``booty logs | head -1`` ends well and says nothing of a pipe."""
    assert booty
    say(logs["a"], 0, "first")
    with logs["a"].open("ab") as file:
        file.write(b"more\n" * 500_000)
    words = [sys.executable, "-m", "booty", "logs", "a", "-n", "400000"]
    import subprocess

    with subprocess.Popen(
        words, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"more\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_follow(booty: Any, logs: dict[str, Path], root: Path, stack_env: dict[str, str]) -> None:
    """Following loses no line and shows none twice, whatever is rotated under it."""
    assert booty
    follow: Callable[..., Any] = opened
    logs["a"].write_bytes(b"line 0\nline 1\nhalf")
    with follow([sys.executable, "-m", "booty", "logs", "a", "-f"], root, stack_env) as shown:
        shown.until("line 1\n")
        with logs["a"].open("ab") as file:
            file.write(b" line 2\n")
        shown.until("half line 2\n")
        for turn in range(3, 30):
            with logs["a"].open("ab") as file:
                file.write(b"line %d\n" % turn)
            rotated(logs["a"])
        shown.until("line 29\n")
        said = shown.said

    assert re.findall(r"line (\d+)\r?\n", said) == [str(n) for n in range(30)]
