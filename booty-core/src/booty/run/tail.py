"""Lines of a growing log; survives rotation, truncation, removal, and lines that are no text."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterable, Iterator
from typing import Final

from booty.run.inotify import LOOK
from booty.run.segments import Survey, blocks, survey

__all__ = ["LONGEST", "Tail", "last_lines", "last_offset", "text", "wait_readable", "whole"]

CHUNK: Final = 65536
LONGEST: Final = 1 << 20
"""Bytes after which a line is shown though it has not ended."""


class Splitter:
    """Cuts a stream of blocks behind lines.

    Attributes:
        rest: bytes of the line that has not ended.
        end: offset behind all that was fed.
    """

    def __init__(self) -> None:
        self.rest = b""
        self.end = -1

    def feed(self, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take a block; yield offset and bytes of what ends with the end of a line.

        A line that is too long, or whose end retention removed, is yielded as it is.
        """
        if self.rest and offset != self.end:
            yield self.flush()
        cut = data.rfind(b"\n") + 1
        if cut:
            yield offset - len(self.rest), self.rest + data[:cut]
            self.rest = b""
        self.rest += data[cut:]
        self.end = offset + len(data)
        if len(self.rest) > LONGEST:
            yield self.flush()

    def flush(self) -> tuple[int, bytes]:
        """Return the line that has not ended."""
        rest, self.rest = self.rest, b""
        return self.end - len(rest), rest


def whole(parts: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of whole lines; the last one may end without the end of a line."""
    splitter = Splitter()
    for offset, data in parts:
        yield from splitter.feed(offset, data)
    if splitter.rest:
        yield splitter.flush()


def text(line: bytes) -> str:
    """Return a line as it is shown."""
    return line.decode(errors="replace").rstrip("\r")


class Tail:
    """New lines of one file.

    Args:
        path: the file; need not exist yet.
        offset: where in the live file to begin; ``None`` = at its present end.
        at: the same as an offset of the whole log, segments included.
    """

    def __init__(self, path: str, offset: int | None = None, *, at: int | None = None) -> None:
        self.path = path
        self._size = -1
        self._splitter = Splitter()
        self.at = at if at is not None else _begin(survey(path), offset)

    def lines(self) -> Iterator[str]:
        """Yield the complete lines that came since the last call."""
        for block in self.blocks():
            for line in block.removesuffix(b"\n").split(b"\n"):
                yield text(line)

    def blocks(self) -> Iterator[bytes]:
        """Yield the same as blocks of whole lines."""
        size = _size(self.path)
        if size == self._size:
            return
        known = survey(self.path)
        if (known.end < self.at or size < self._size) and self.at > known.base:
            self.at, self._splitter = known.base, Splitter()  # truncated: what is there is new
        self._size = size
        for offset, data in blocks(self.path, self.at, CHUNK):
            self.at = offset + len(data)
            for _, block in self._splitter.feed(offset, data):
                yield block


def _begin(known: Survey, offset: int | None) -> int:
    if offset is None:
        return known.end
    return known.base + (offset if offset <= known.size else 0)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def last_offset(path: str, count: int) -> int:
    """Return the offset at which the last lines of a log begin, read from its end."""
    known = survey(path)
    missing = count
    for begin, data in _backwards(path, known):
        found = data.count(b"\n", 0, -1 if begin + len(data) == known.end else None)
        if found < missing:
            missing -= found
            continue
        at = len(data) - (begin + len(data) == known.end)
        for _ in range(missing):
            at = data.rfind(b"\n", 0, at)
        return begin + at + 1
    return 0


def _backwards(path: str, known: Survey) -> Iterator[tuple[int, bytes]]:
    at = known.end
    while at > known.until:
        begin = max(known.until, at - CHUNK)
        # of one that is rotated meanwhile the same offset is read from its segment
        yield begin, b"".join(data for _, data in _between(path, begin, at))
        at = begin
    for one in reversed(known.segments):
        if one.there:
            yield one.begin, b"".join(data for _, data in _between(path, one.begin, one.end))


def _between(path: str, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    for offset, data in blocks(path, begin, CHUNK):
        yield offset, data[: end - offset]
        if offset + len(data) >= end:
            return


def last_lines(path: str, count: int) -> list[str]:
    """Return the last lines of a log, reading from its end."""
    if count <= 0:
        return []
    parts = whole(blocks(path, last_offset(path, count)))
    return [text(line) for _, block in parts for line in block.removesuffix(b"\n").split(b"\n")]


def wait_readable(fds: list[int], folder_fd: int | None, timeout: float | None) -> set[int]:
    """Wait until something can be read, or a watched folder changed.

    Args:
        fds: descriptors to wait for.
        folder_fd: descriptor of ``open_inotify``, ``None`` = look every 50 ms.
        timeout: seconds at most, ``None`` = for ever.

    Returns:
        The descriptors that can be read.
    """
    watched = [*fds, *([folder_fd] if folder_fd is not None else [])]
    limit = timeout
    if folder_fd is None:
        limit = LOOK if timeout is None else min(LOOK, timeout)
    readable, _, _ = select.select(watched, [], [], limit)
    if folder_fd in readable:
        with contextlib.suppress(BlockingIOError):
            os.read(int(folder_fd or 0), CHUNK)
    return set(readable) - {folder_fd} if folder_fd is not None else set(readable)
