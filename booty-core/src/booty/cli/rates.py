"""How fast downloads go, and how long they still take."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from booty.fetch import Progress

__all__ = ["Download"]

WINDOW: Final = 5.0
"""Seconds over which a rate is taken: what came before says little of what comes."""
MEGA: Final = 1e6


class Download:
    """One download, or several together.

    Args:
        now: when it begins, in seconds.
        have: bytes that were there before.
    """

    def __init__(self, now: float, have: int = 0) -> None:
        self.have, self.total = have, 0
        self._seen = deque([(now, have)])

    def add(self, progress: Progress, now: float) -> None:
        """Take in what was told."""
        self.have, self.total = progress.bytes, progress.total
        if self.have < self._seen[-1][1]:  # it began anew
            self._seen.clear()
        self._seen.append((now, self.have))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW:  # noqa: PLR2004 - two make a rate
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Bytes a second."""
        (begin, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - begin) if end > begin else 0.0

    @classmethod
    def words(cls, several: Iterable[Self]) -> str:
        """Return bytes, rate and time left of downloads that go on side by side."""
        some = list(several)
        have, total = sum(one.have for one in some), sum(one.total for one in some)
        rate = sum(one.rate for one in some)
        known = all(one.total for one in some)
        size = f"{have / MEGA:.1f}/{total / MEGA:.1f} MB" if known else f"{have / MEGA:.1f} MB"
        left = f", {_time((total - have) / rate)} left" if known and rate else ""
        return f"{size}, {rate / MEGA:.1f} MB/s{left}" if rate else size


def _time(seconds: float) -> str:
    whole = round(max(seconds, 0))
    return f"{whole} s" if whole < 100 else f"{whole // 60} min"  # noqa: PLR2004 - two digits
