"""The time of an event, written and read."""

from __future__ import annotations

import datetime as dt
import random

from booty.run.clock import stamp, stamped


def test_what_was_written_is_read() -> None:
    """At the ends of months and years, in leap years, and anywhere between."""
    days = [(1970, 1, 1), (2000, 2, 29), (2024, 2, 29), (2024, 3, 1), (2025, 12, 31), (2100, 3, 1)]
    walls = [dt.datetime(*day, tzinfo=dt.UTC).timestamp() for day in days]
    walls += [random.Random(1).uniform(0, 4e9) for _ in range(1000)]
    for wall in walls:
        text = stamp(wall)

        assert abs(stamped(text) - wall) < 0.001
        assert stamped(text) == round(dt.datetime.fromisoformat(text).timestamp(), 3)
