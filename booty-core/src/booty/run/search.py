"""Finds lines in big blocks of bytes: a gigabyte in seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["Finder", "every", "finder"]

Finder = Callable[[bytes], Iterator[tuple[int, int]]]
"""Yields begin and end (without the line's end) of the lines of a block that are wanted."""
MANY: Final = 1000
"""So often in a block, and a text tells nothing."""
META: Final = frozenset(r".^$*+?{}[]\|()")
_DULL: Final = re.compile(r"^(\^?\.\*)+|(\.\*\$?)+$")
"""What matches whatever stands before or behind."""
_OPAQUE: Final = re.compile(
    r"(?:\\.|\[\^?\]?[^\]]*\]|\([^()]*\)|.(?=[*?{]))(?:[*?+]\??|\{[^{}]*\}\??)?"
)
"""What is no plain text, or may be absent."""
_ACROSS: Final = re.compile(r"\[\^|\\[sDWAZBn]|(?<!^)\(\?|^\(\?[^i]")
"""What could match a line's end, or knows where the text ends: of no use for many lines at once."""
_WORD: Final = re.compile(r"[A-Za-z0-9 _:=/,@\"'<>#%&;~-]{2,}")


def every(block: bytes) -> Iterator[tuple[int, int]]:
    """Yield all lines of a block."""
    at = 0
    while (end := block.find(b"\n", at)) >= 0:
        yield at, end
        at = end + 1
    if at < len(block):
        yield at, len(block)


def finder(pattern: str) -> Finder:
    """Return what finds the lines in which a regular expression matches.

    Args:
        pattern: of :mod:`re`.

    Raises:
        re.error: it is none.
    """
    re.compile(pattern)
    if not pattern:
        return every
    if not set(pattern) & META:
        return _holding([pattern.encode()])
    matches = _match(pattern)
    if not pattern.isascii():
        return _each(matches)
    among = _matching(pattern, matches)
    words = _needed(pattern)
    return _holding(words, matches, among) if words else among


def _needed(pattern: str) -> list[bytes]:
    # texts that every match holds; none where that is not plain to see
    if "(?" in pattern or "|" in pattern:
        return []
    left = _OPAQUE.sub("\0", _DULL.sub("", pattern))
    if set(left) & set("()[]{}"):
        return []
    return [word.encode() for word in _WORD.findall(left)]


Match = Callable[[bytes], bool]


def _match(pattern: str) -> Match:
    text = re.compile(pattern)
    plain = re.compile(pattern.encode()) if pattern.isascii() else None

    def matches(line: bytes) -> bool:
        if plain is not None and line.isascii():
            return plain.search(line) is not None
        return text.search(line.decode(errors="replace")) is not None

    return matches


def _each(matches: Match) -> Finder:
    return lambda block: ((at, end) for at, end in every(block) if matches(block[at:end]))


def _holding(
    words: list[bytes], matches: Match | None = None, among: Finder | None = None
) -> Finder:
    def with_word(block: bytes, word: bytes) -> Iterator[tuple[int, int]]:
        at = 0
        while (hit := block.find(word, at)) >= 0:
            begin = block.rfind(b"\n", 0, hit) + 1
            end = block.find(b"\n", hit)
            end = len(block) if end < 0 else end
            if matches is None or matches(block[begin:end]):
                yield begin, end
            at = end + 1

    def found(block: bytes) -> Iterator[tuple[int, int]]:
        if among is None:
            return with_word(block, words[0])
        count, word = min((block.count(word), word) for word in words)
        return among(block) if count > MANY else with_word(block, word)

    return found


def _matching(pattern: str, matches: Match) -> Finder:
    if _ACROSS.search(pattern):
        return _each(matches)
    search = re.compile(pattern.encode(), re.MULTILINE).search

    def among(block: bytes) -> Iterator[tuple[int, int]]:
        at = 0
        while at < len(block) and (hit := search(block, at)):
            begin = block.rfind(b"\n", 0, hit.start()) + 1
            if begin == len(block):
                return  # behind the end of the last line there is no other one
            end = block.find(b"\n", hit.start())
            end = len(block) if end < 0 else end
            yield begin, end
            at = end + 1

    return lambda block: among(block) if block.isascii() else _each(matches)(block)
