"""The sorts of values that are numbers or quantities: ranges, durations, sizes."""

# ruff: noqa: D102 - what each kind overrides is documented once, on Kind
from __future__ import annotations

import math
from typing import Any

from attrs import frozen

from booty.config import units
from booty.config.kinds import Kind
from booty.config.reading import At, Reading
from booty.errors import ConfigError

__all__ = ["Duration", "Number", "Size", "Whole"]


@frozen
class Whole(Kind):
    """A whole number in a range.

    Attributes:
        low: least value, ``None`` for no limit.
        high: greatest value, ``None`` for no limit.
    """

    types = (int,)
    bare = "-?[0-9]+"
    low: int | None = None
    high: int | None = None

    @property
    def words(self) -> str:
        if self.low is not None and self.high is not None:
            return f"a whole number from {self.low} to {self.high}"
        return "a whole number" + (f" from {self.low}" if self.low is not None else "")

    @property
    def example(self) -> str:
        return str(max(self.low or 0, 1))

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        low, high = self.low, self.high
        if (low is not None and value < low) or (high is not None and value > high):
            return reading.value(at, value, f"it must be {self.words}", hint=f"write {self.words}")
        return value

    def schema(self) -> dict[str, Any]:
        limits = {"minimum": self.low, "maximum": self.high}
        return {"type": "integer", **{key: at for key, at in limits.items() if at is not None}}


@frozen
class Number(Kind):
    """A number, with or without a fraction.

    Attributes:
        low: least value, ``None`` for no limit.
    """

    types = (int, float)
    bare = r"-?[0-9]+(\.[0-9]+)?"
    low: float | None = None

    @property
    def words(self) -> str:
        return "a number" + (f" from {self.low:g}" if self.low is not None else "")

    @property
    def example(self) -> str:
        return "1.5" if self.low is None else f"{self.low + 1:g}"

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        if not math.isfinite(value) or (self.low is not None and value < self.low):
            return reading.value(at, value, f"it must be {self.words}", hint=f"write {self.words}")
        return float(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "number"} | ({} if self.low is None else {"minimum": self.low})


@frozen
class Duration(Kind):
    """A duration such as ``"10s"``; seconds when read."""

    types = (str,)

    @property
    def words(self) -> str:
        return 'a duration such as "10s"'

    @property
    def example(self) -> str:
        return '"10s"'

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        try:
            return units.duration(value)
        except ConfigError as error:
            return reading.value(
                at, value, f"it must be {self.words}", reference=error.reference, hint=error.hint
            )

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": units.DURATION_PATTERN}


@frozen
class Size(Kind):
    """A size such as ``"4MiB"``, or a whole number of bytes; bytes when read."""

    types = (str, int)

    @property
    def words(self) -> str:
        return 'a size such as "4MiB"'

    @property
    def example(self) -> str:
        return '"4MiB"'

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        if isinstance(value, int):
            return Whole(0).take(value, at, reading)
        try:
            return units.size(value)
        except ConfigError as error:
            return reading.value(
                at, value, f"it must be {self.words}", reference=error.reference, hint=error.hint
            )

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "pattern": units.SIZE_PATTERN}
        return {"anyOf": [text, {"type": "integer", "minimum": 0}]}
