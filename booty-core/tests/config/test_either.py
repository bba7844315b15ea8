"""What a key of a provider may be, either this or that, comes to hooks as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import frozen
from booty.config.typed import settings
from booty.model import codec


@frozen
class Below:
    """A table."""

    size: int = 0


@frozen
class Keys:
    """Keys that may be of several kinds."""

    table: bool | Below = True
    words: str | tuple[str, ...] = ()
    pairs: Mapping[str, int] | bool = False
    number: int | str | None = None


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"table": False},
        {"table": {"size": 3}},
        {"words": "one"},
        {"words": ["one", "two"]},
        {"pairs": {"a": 1}},
        {"number": 1},
        {"number": "1"},
    ],
)
def test_either(given: dict[str, Any]) -> None:
    """Written as data and read again, nothing has become something else."""
    made = settings(Keys, given, "services.it")

    assert codec.from_data(Keys, codec.to_data(made)) == made
