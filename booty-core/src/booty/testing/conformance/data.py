"""Test data of the suite: strings that stores like to change, and samples of content."""

from __future__ import annotations

import random
from typing import Final

__all__ = ["HTML", "JPEG", "LETTERS", "ODD", "TEXT", "noise"]

ODD: Final[dict[str, str]] = {
    "slashes": "a/b/c",
    "repeated slashes": "a//b///c",
    "dot-dot-slash": "../a/../b/../../c../",
    "backslashes": "a\\b\\c",
    "repeated backslashes": "a\\\\b\\\\\\c",
    "dot-dot-backslash": "..\\a\\..\\b\\..\\..\\c..\\",
    "quotes": 'a"b"c',
    "spaces": "a b c",
    "leading digit": "12345a",
    "non-ASCII": "☺☺☺",
    **{
        f"ASCII {start}-{start + 15}": "".join(map(chr, range(start, start + 16)))
        for start in range(0, 128, 16)
    },
}
"""The 18 odd strings, by what is odd."""
LETTERS: Final = bytes(range(65, 91)) + bytes(range(97, 123))
"""52 different bytes: a shifted answer is visible."""
HTML: Final = b"<html><head><title>a page</title></head><body>with some words</body></html>"
TEXT: Final = b"a line of plain text, with nothing in it that a computer would know\n"
JPEG: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(60)


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes that look random and are the same each time."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - nothing secret about it
