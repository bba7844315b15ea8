"""When a log had which size: lines of ``offset time`` beside it, from which times are told."""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Iterable
from typing import Final

from booty.run import whole
from booty.run.segments import folder_of, survey

__all__ = ["Marks", "add", "forget", "path_of", "read"]

_LINE: Final = re.compile(rb"^(\d{16}) (\d{10}\.\d{6})$", re.MULTILINE)
"""Of one width: a line that a full disk cut is known for one."""


def path_of(log: str) -> str:
    """Return where the marks of a log are."""
    return f"{folder_of(log)}/marks"


def line(offset: int, wall: float) -> bytes:
    """Return one mark as it is written."""
    return b"%016d %017.6f\n" % (offset, wall)


def add(log: str, marks: Iterable[tuple[int, float]]) -> None:
    """Write marks down.

    Args:
        log: the live file.
        marks: offsets, and when the log had just that many bytes, in seconds since 1970.

    Raises:
        OSError: the disk is full, read-only or gone.
    """
    os.makedirs(folder_of(log), 0o700, exist_ok=True)
    file = os.open(path_of(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, b"".join(line(*one) for one in marks))
    finally:
        os.close(file)


class Marks:
    """Marks of one log.

    Args:
        pairs: offsets and times, as they were written.
    """

    def __init__(self, pairs: Iterable[tuple[int, float]]) -> None:
        known = list(pairs)
        # a clock that was set back was wrong before, not after
        latest = float("inf")
        times = []
        for _, wall in reversed(known):
            latest = min(latest, wall)
            times.append(latest)
        self._times = times[::-1]
        self._offsets = [offset for offset, _ in known]

    def __bool__(self) -> bool:
        return bool(self._offsets)

    def time(self, offset: int) -> float | None:
        """Return when a log had an offset's number of bytes, interpolated; ``None`` if unknown."""
        if not self._offsets:
            return None
        after = bisect.bisect_left(self._offsets, offset)
        if after == len(self._offsets):
            return self._times[-1]
        if after == 0 or self._offsets[after] == offset:
            return self._times[after]
        low, high = self._offsets[after - 1], self._offsets[after]
        share = (offset - low) / (high - low)
        return self._times[after - 1] + share * (self._times[after] - self._times[after - 1])

    def before(self, wall: float) -> int:
        """Return an offset of which all that follows includes what was written since a time."""
        after = bisect.bisect_left(self._times, wall)
        return self._offsets[after - 1] if after else 0


def read(log: str) -> Marks:
    """Return the marks of a log; the file's own times stand for a last one."""
    pairs = _written(log)
    try:
        found = os.stat(log)
    except OSError:
        return Marks(pairs)
    end = survey(log).end
    if not pairs or pairs[-1][0] < end:
        pairs.append((end, found.st_mtime))
    return Marks(pairs)


def forget(log: str, before: int) -> None:
    """Remove the marks before an offset, all but the last of them.

    Raises:
        OSError: the disk is full, read-only or gone.
    """
    pairs = _written(log)
    first = max(0, bisect.bisect_right([offset for offset, _ in pairs], before) - 1)
    if first:
        # one that is added meanwhile is lost: times between the others are told then
        whole.replace(path_of(log), b"".join(line(*one) for one in pairs[first:]))


def _written(log: str) -> list[tuple[int, float]]:
    try:
        with open(path_of(log), "rb") as file:
            found = _LINE.findall(file.read())
    except OSError:
        return []
    pairs: list[tuple[int, float]] = []
    for offset, wall in found:
        if not pairs or int(offset) >= pairs[-1][0]:
            pairs.append((int(offset), float(wall)))
    return pairs
