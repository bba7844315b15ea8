"""The time, handed in so that tests can turn it."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "stamp"]


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
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}Z"
