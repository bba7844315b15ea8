"""Clocks of a stack's watchers that a test turns."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

SKEWED = Path(__file__).with_name("skewed.py")
WRAPPER = '#!/bin/sh\nshift 2\nexec {python} -I -S {skewed} {control} "$0" "$@"\n'
NUMBERS = struct.Struct("2d")


class Clock:
    """The clocks of those who are started through :attr:`wrapper` in place of the interpreter."""

    def __init__(self, folder: Path) -> None:
        self.control = folder / "clock"
        self.control.write_bytes(bytes(NUMBERS.size))
        self.wrapper = folder / "python"
        words = {"python": sys.executable, "skewed": SKEWED, "control": self.control}
        self.wrapper.write_text(WRAPPER.format(**words))
        self.wrapper.chmod(0o755)

    def turn(self, ahead: float = 0.0, *, a_look: float = 0.0) -> None:
        """Set them.

        Args:
            ahead: seconds that the wall clock is ahead of the machine's own.
            a_look: seconds by which the monotonic one goes on whenever somebody looks at it.
        """
        with self.control.open("r+b") as file:  # never another file: it is mapped
            file.write(NUMBERS.pack(ahead, a_look))
