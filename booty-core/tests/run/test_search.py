"""Searching lines in blocks finds what a search line by line finds."""

from __future__ import annotations

import re

import pytest
from booty.run.search import every, finder

LINES = (
    "GET /a 200 12 ms", "", "error: disk full", "  indented", "x=1 y=2", "Fehler: größer", "a.b",
    "aab", "ERROR again", "tail\\", "x", "get /b 404", "99", "(paren)", "a\tb", "y=2 x=1 ",
)  # fmt: skip
BLOCK = "\n".join([*LINES, "no end of line: error"]).encode()
LONG = b"\n".join([*(b"GET /%d 200 took 1 ms" % n for n in range(3000)), b"GET /x 404 took 2 ms"])
PATTERNS = (
    "error", "(?i)error", "err.*full", "^x", "x$", "^$", "", r"\d+", r"\d{3}", "[a-c]{2}b", "x=1|y",
    r"a\.b", "a.b", r"\bx\b", ".*", ".*error.*", "^.*full$", "größer", "gr..er", "[äöü]", r"\(p",
    "(get|GET) /", "(?:ab)?x", "a*b", "ab?c?", r"x=\d y=\d", r"\s$", "[^a-z]$", r"200 \d+ ms",
    "(?<=x=)1", r"\\", r"\Atail", r"r\Z", "e(r)+or", "d{1,2}isk", "x+=", "r: d", r"\w+: \w+",
)  # fmt: skip


def test_every_line() -> None:
    """All lines, the last one without an end too; none after a last end."""
    assert [BLOCK[a:b] for a, b in every(BLOCK)] == BLOCK.split(b"\n")
    assert list(every(b"a\n\n")) == [(0, 1), (2, 2)]
    assert list(every(b"")) == []


@pytest.mark.parametrize("pattern", PATTERNS)
def test_as_line_by_line(pattern: str) -> None:
    """A pattern finds exactly the lines in which it matches, each once, in order."""
    lines = BLOCK.decode().split("\n")
    found = [BLOCK[a:b].decode() for a, b in finder(pattern)(BLOCK)]

    assert found == [line for line in lines if re.search(pattern, line)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_behind_the_last_end(pattern: str) -> None:
    """Where the last line has an end, nothing behind it is taken for one more line."""
    lines = BLOCK.decode().split("\n")
    found = [*finder(pattern)(BLOCK + b"\n")]

    assert len(found) == sum(1 for line in lines if re.search(pattern, line))
    assert all(begin < len(BLOCK) for begin, _ in found)


def test_no_expression() -> None:
    """What is none is refused."""
    with pytest.raises(re.error):
        finder("(")


@pytest.mark.parametrize(
    "pattern", ["took.*2 ms", "GET.* took 2", r"GET .* [45]\d\d", "took [2-9]"]
)
def test_what_is_in_every_line(pattern: str) -> None:
    """A text that stands everywhere does not mislead."""
    assert [LONG[a:b] for a, b in finder(pattern)(LONG)] == [b"GET /x 404 took 2 ms"]
