"""The 18 odd strings: what a name or value may contain, and what products stumble over."""

from __future__ import annotations

from typing import Final

__all__ = ["ODD"]

ODD: Final = (
    "a/b/c",
    "a//b///c",
    "../a/../b/../../c../",
    "a\\b\\c",
    "a\\\\b\\\\\\c",
    "..\\a\\..\\b\\..\\..\\c..\\",
    'a"b"c',
    "a b c",
    "12345a",
    "☺☺☺",
    *("".join(map(chr, range(first, first + 16))) for first in range(0, 128, 16)),
)
