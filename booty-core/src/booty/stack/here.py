"""Which stack a plain command line is about, found with the least that has to be imported."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["FILE", "STATE", "asked_elsewhere", "root"]

FILE: Final = "booty.toml"
STATE: Final = ".booty"
DECIDE: Final = ("BOOTY_FILE", "BOOTY_STACK", "BOOTY_LIFETIME")
"""Variables that decide which stack is meant, or how it lives."""


def asked_elsewhere() -> bool:
    """Tell whether the environment names a file, a stack or a lifetime."""
    return any(os.environ.get(name) for name in DECIDE)


def root() -> str | None:
    """Return the folder of the nearest booty.toml from here upward, links resolved.

    Raises:
        OSError: there is no working folder.
    """
    here = os.getcwd()  # noqa: PTH109 - pathlib alone costs what is gained
    while not os.path.isfile(f"{here}/{FILE}"):  # noqa: PTH113
        above = os.path.dirname(here)  # noqa: PTH120
        if above == here:
            return None
        here = above
    return os.path.realpath(here)
