"""Runs a long-lived process of booty under a wall clock that a test turns.

``python -I -S skewed.py CONTROL WRAPPER MAIN ROLE JSON``; CONTROL is a file of one number, the
seconds that this clock is ahead.
"""

from __future__ import annotations

import mmap
import runpy
import sys
import time


def main() -> None:
    """Become what is asked for; so do those that it starts."""
    control, wrapper, *words = sys.argv[1:]
    with open(control, "r+b") as file:  # noqa: PTH123 - as little as possible is imported
        ahead = memoryview(mmap.mmap(file.fileno(), 8)).cast("d")
    real = time.time
    time.time = lambda: real() + ahead[0]
    sys.executable, sys.argv = wrapper, words
    runpy.run_path(words[0], run_name="__main__")


main()
