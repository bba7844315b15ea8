"""The time, handed in so that tests can turn it."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Protocol

__all__ = ["Clock", "SystemClock", "stamp", "stamped"]


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> float:
        """Return seconds that never jump and stand still while the machine sleeps."""

    def wall(self) -> float:
        """Return seconds since 1970."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Return ``CLOCK_MONOTONIC``: on Linux it does not run during suspend."""
        return time.monotonic()

    def wall(self) -> float:
        """Return ``CLOCK_REALTIME``."""
        return time.time()


def stamp(wall: float) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds.

    Args:
        wall: seconds since 1970.
    """
    seconds, milliseconds = divmod(round(wall * 1000), 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(4)
def _to_the_second(seconds: int) -> str:
    # a start has a hundred events in one
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def stamped(text: str) -> float:
    """Return the seconds since 1970 of a time that :func:`stamp` has written.

    The library for dates would take a follower longer to import than all that it reads.
    """
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    # a year that begins in March has its odd day at its end
    late = month > 2  # noqa: PLR2004 - February
    year -= not late
    month += -3 if late else 9
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day
    hours, minutes = int(text[11:13]), int(text[14:16])
    return (days - 719469) * 86400 + hours * 3600 + minutes * 60 + float(text[17:23])
