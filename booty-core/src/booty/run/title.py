"""What ``ps`` and ``top`` call a process."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

__all__ = ["call_itself", "replace_word"]

_PR_SET_NAME: Final = 15
_ARG_START: Final = 45
"""Place of the argument area's address in /proc/PID/stat, counted behind the name."""


def call_itself(name: str) -> None:
    """Give this process a name, of which the kernel keeps 15 bytes; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def replace_word(old: str, new: str) -> None:
    """Replace an argument in the line that ``ps`` shows; what follows may lose its end.

    A forked process would be shown with the line of the one it came from. Does nothing where that
    cannot be changed.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/self/cmdline", "rb") as file:
            line = file.read()
        with open("/proc/self/stat", "rb") as file:
            stat = file.read()
        fields = stat[stat.rindex(b")") + 2 :].split()
        start, end = int(fields[_ARG_START]), int(fields[_ARG_START + 1])
        if start and end - start == len(line):
            shown = line.replace(b"\0%s\0" % old.encode(), b"\0%s\0" % new.encode(), 1)
            ctypes.memmove(start, shown[: len(line) - 1].ljust(len(line), b"\0"), len(line))
