"""The watchers' own words, in ``logs/supervisor.log``. Standard library alone."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["complain"]


def complain(text: str) -> None:
    """Write one line down; on a full disk it is lost, and nothing else is."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
