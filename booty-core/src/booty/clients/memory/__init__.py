"""``mem://``: everything in memory, for tests and for programs that run alone."""

from __future__ import annotations
