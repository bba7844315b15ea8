"""A log in parts: what was rotated away, and where the live file goes on.

Offsets are those of the whole log since its first byte. Beside ``bus.0.log`` lies ``bus.0.d``:

- ``<begin>-<end>.gz``: a segment, whole and on disk. The largest ``end`` is where the live file
  begins to count: what is before it there is a hole, or about to be one.
- ``<begin>-<end>.gone``: a range that retention removed.
- ``<base>.base``: the live file was truncated; its first byte is number ``base`` of the log.
- ``<base>-<digest>.cut``: it is being truncated; it has been if its head has another digest.
- ``marks``: see :mod:`booty.run.marks`. ``lock``: held by who rotates.

All is in names, so that one rename records it, on a full disk too.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

__all__ = ["BLOCK", "HEAD", "Segment", "Survey", "blocks", "digest", "folder_of", "survey"]

BLOCK: Final = 1 << 20
"""Bytes that are read at once."""
PACKED: Final = 1 << 18
HEAD: Final = 4096
"""Bytes at the beginning of a file that tell whether it was truncated."""
GZIP: Final = 31
"""zlib's word for the gzip format."""
_RANGE: Final = re.compile(r"(\d{16})-(\d{16})\.(gz|gone)")
_BASE: Final = re.compile(r"(\d{16})\.base")
_CUT: Final = re.compile(r"(\d{16})-([0-9a-f]{16})\.cut")


class Segment(NamedTuple):
    """One part that was rotated away.

    Attributes:
        begin: offset of its first byte.
        end: offset behind its last.
        path: its file; of ``.gz`` it holds the bytes, of ``.gone`` nothing.
    """

    begin: int
    end: int
    path: str

    @property
    def there(self) -> bool:
        """Whether its bytes are kept."""
        return self.path.endswith(".gz")


class Survey(NamedTuple):
    """What is known of a log at one moment.

    Attributes:
        until: offset at which the live file goes on.
        base: offset of the live file's first byte.
        segments: the parts before, the oldest first.
        size: bytes of the live file, hole included.
    """

    until: int
    base: int
    segments: tuple[Segment, ...]
    size: int

    @property
    def end(self) -> int:
        """Offset behind the last byte."""
        return max(self.until, self.base + self.size)


def folder_of(path: str) -> str:
    """Return the folder of a log's segments."""
    return f"{os.path.splitext(path)[0]}.d"


def digest(file: int, length: int) -> str:
    """Return the digest of a file's head."""
    head = os.pread(file, min(HEAD, length), 0)
    return f"{zlib.crc32(head):08x}{zlib.adler32(head):08x}"


def survey(path: str) -> Survey:
    """Return what is known of a log now; a log that is not there is empty."""
    folder = folder_of(path)
    try:
        names = os.listdir(folder)
    except OSError:
        return Survey(0, 0, (), _size(path))
    found = [_RANGE.fullmatch(name) for name in names]
    segments = sorted(
        Segment(int(one[1]), int(one[2]), f"{folder}/{one[0]}") for one in found if one
    )
    until = max((one.end for one in segments), default=0)
    bases = [int(one[1]) for name in names if (one := _BASE.fullmatch(name))]
    base = max(bases, default=0)
    for name in names:
        if (one := _CUT.fullmatch(name)) and _was_cut(path, int(one[1]) - base, one[2]):
            base = int(one[1])
    size = _size(path)
    if base + size < until:
        base = until  # truncated by its own program, or removed
    return Survey(max(until, base), base, tuple(segments), size)


def _was_cut(path: str, length: int, before: str) -> bool:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        return digest(file, length) != before
    finally:
        os.close(file)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def blocks(path: str, begin: int = 0, block: int = BLOCK) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of a log, from an offset to its present end, across its segments.

    Whatever is rotated meanwhile is read where it is then: a block of the live file counts only if
    its bytes had not been recorded elsewhere after they were read.

    Args:
        path: the live file.
        begin: offset of the first byte wanted.
        block: bytes to read at once.

    Yields:
        Offset and bytes; behind what retention removed the offset is higher than expected.
    """
    at = begin
    while True:
        known = survey(path)
        if at >= known.until:
            data = _live(path, at - known.base, block)
            if survey(path)[:2] != known[:2]:
                continue
            if not data:
                return
            yield at, data
            at += len(data)
            continue
        segment = next((one for one in known.segments if one.there and one.end > at), None)
        if segment is None:
            at = known.until
            continue
        yield from _unpacked(segment, max(at, segment.begin), block)
        at = segment.end


def _live(path: str, offset: int, length: int) -> bytes:
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(file, length, offset)
        finally:
            os.close(file)
    return b""


def _unpacked(segment: Segment, begin: int, block: int) -> Iterator[tuple[int, bytes]]:
    at = segment.begin
    # removed by retention just now, or damaged: there is no more of it than was read
    with suppress(OSError, zlib.error), open(segment.path, "rb") as file:
        machine = zlib.decompressobj(GZIP)
        while packed := machine.unconsumed_tail or file.read(PACKED):
            data = machine.decompress(packed, block)
            if at + len(data) > begin:
                yield max(at, begin), data[max(0, begin - at) :]
            at += len(data)
        if data := machine.flush()[max(0, begin - at) :]:
            yield max(at, begin), data
