"""What a log says, with times: since, until, only lines that match, merged with other logs."""

from __future__ import annotations

import collections
import heapq
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from booty.run import marks, stamp
from booty.run.search import Finder, every
from booty.run.segments import blocks, survey
from booty.run.tail import last_offset, whole

__all__ = ["Choice", "Entry", "History", "merged"]

BLOCK: Final = 1 << 20
"""Bytes that are searched at once."""
STAMPED: Final = 128
"""Bytes at the beginning of a line among which its time stands."""
DISORDER: Final = 60.0
"""Seconds that stamps of lines beside each other may differ by."""


class Choice(NamedTuple):
    """Which lines are wanted.

    Attributes:
        since: only those from this time on, in seconds since 1970.
        until: only those up to this time.
        find: only those that it finds.
        last: only so many, the last of them.
        timed: whether times are wanted; they cost.
    """

    since: float | None = None
    until: float | None = None
    find: Finder = every
    last: int | None = None
    timed: bool = True

    @property
    def all(self) -> bool:
        """Whether no line is left out but by number."""
        return self.since is None and self.until is None and self.find is every


class Entry(NamedTuple):
    """One line.

    Attributes:
        at: when it was written, in seconds since 1970; 0 where it was not asked for or is unknown.
        name: who wrote it.
        line: what, without the end of the line.
    """

    at: float
    name: str
    line: bytes


class History:
    """One log from its oldest kept line to its present end.

    Args:
        name: who writes it.
        path: its live file.
        form: format of the time that its lines begin with, see :mod:`booty.run.stamp`.

    Attributes:
        end: offset behind the last whole line that was read.
    """

    def __init__(self, name: str, path: str, form: str = "") -> None:
        self.name = name
        self.path = path
        self.end = 0
        self._form = form
        self._marks = marks.Marks(())
        self._latest = 0.0

    def entries(self, choice: Choice, *, rest: bool = True) -> Iterator[Entry]:
        """Yield the lines that are wanted.

        Args:
            choice: which.
            rest: whether a last line that has not ended is one.
        """
        self._marks = marks.read(self.path)
        found = self._found(choice, rest=rest)
        if choice.last is not None:
            return iter(collections.deque(found, choice.last))
        return found

    def _begin(self, choice: Choice) -> int:
        if choice.all and choice.last is not None:
            return last_offset(self.path, choice.last)
        return 0 if choice.since is None else self._marks.before(choice.since)

    def _found(self, choice: Choice, *, rest: bool) -> Iterator[Entry]:
        begin = self._begin(choice)
        self.end = begin
        timed = choice.timed or choice.since is not None or choice.until is not None
        for at, block in whole(blocks(self.path, begin, BLOCK)):
            ended = block.endswith(b"\n")
            if not ended and not rest and at + len(block) >= survey(self.path).end:
                return
            self.end = at + len(block)
            for start, stop in choice.find(block):
                line = block[start:stop]
                wall = (
                    self._time(line, at + stop + 1, follows=choice.find is every) if timed else 0.0
                )
                if choice.until is not None and wall > choice.until:
                    if not self._form or wall > choice.until + DISORDER:
                        return
                    continue
                if choice.since is None or wall >= choice.since:
                    yield Entry(wall, self.name, line)

    def stamped(self, line: bytes) -> float | None:
        """Return the time that a line begins with; ``None`` if it has none."""
        if not self._form:
            return None
        return stamp.read(line[:STAMPED].decode(errors="replace"), self._form)

    def _time(self, line: bytes, end: int, *, follows: bool) -> float:
        # as the line says, else as the one before it that goes on, else as the marks around it say
        found = self.stamped(line)
        if found is not None:
            self._latest = found
            return found
        return (follows and self._latest) or self._marks.time(end) or 0.0


def merged(parts: Iterable[Iterable[Entry]]) -> Iterator[Entry]:
    """Yield the lines of several logs in the order of their times."""
    return heapq.merge(*parts, key=lambda entry: entry.at)
