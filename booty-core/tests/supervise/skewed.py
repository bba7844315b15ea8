"""Runs a long-lived process of booty under clocks that a test turns.

``python -I -S skewed.py CONTROL WRAPPER MAIN ROLE JSON``; CONTROL is a file of two numbers: the
seconds that the wall clock is ahead, and those by which the monotonic one goes on at each look, as
on a machine that is so slow.
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
        told = memoryview(mmap.mmap(file.fileno(), 16)).cast("d")
    wall, monotonic, lost = time.time, time.monotonic, 0.0

    def slow() -> float:
        nonlocal lost
        lost += told[1]
        return monotonic() + lost

    time.time = lambda: wall() + told[0]
    time.monotonic = slow
    sys.executable, sys.argv = wrapper, words
    runpy.run_path(words[0], run_name="__main__")


main()
