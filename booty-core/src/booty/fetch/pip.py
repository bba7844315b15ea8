"""Calling pip: with the user's own settings, but as a download and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["COMMAND", "DEADLINE", "environment", "last_line"]

COMMAND: Final = (sys.executable, "-m", "pip")
DEADLINE: Final = 600.0
"""Seconds pip may take in all; it has deadlines of its own for a silent index."""
_BENT: Final = {"PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_DEST"}


def environment() -> dict[str, str]:
    """Return the shell's environment without what would turn a download into something else."""
    kept = {key: value for key, value in os.environ.items() if key not in _BENT}
    patience = {"PIP_RETRIES": "2"}
    return patience | kept | {"PIP_NO_COLOR": "1", "PIP_PROGRESS_BAR": "off"}


def last_line(lines: Sequence[str]) -> str:
    """Return the line that says what went wrong."""
    said = [line for line in lines if line.strip() not in {"", "ERROR: Exception:"}]
    found = [line for line in said if line.startswith("ERROR")] or said
    return found[-1].removeprefix("ERROR: ") if found else "no wheel came"
