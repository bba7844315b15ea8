"""Writes numbered lines as fast as it can; says how long it took, then waits or ends.

Usage: ``log_writer.py LINES TOOK [end]``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

LINES = 500
"""Lines of one write."""


def main() -> None:
    """Write."""
    count, took = int(sys.argv[1]), Path(sys.argv[2])
    begin = time.perf_counter()
    for first in range(0, count, LINES):
        numbers = range(first, first + LINES)
        os.write(1, b"".join(b"%09d the lazy dog %024d\n" % (n, n) for n in numbers))
    seconds = time.perf_counter() - begin
    staged = took.with_suffix(".new")
    staged.write_text(str(seconds))
    staged.replace(took)
    if len(sys.argv) < 4:
        signal.pause()


if __name__ == "__main__":
    main()
