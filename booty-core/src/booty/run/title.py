"""What ``ps`` and ``top`` call a process."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

from booty.run.libc import libc

__all__ = ["call_itself", "replace_word", "show"]

_PR_SET_NAME: Final = 15
_ARG_START: Final = 44
"""Place of the argument area's address in /proc/PID/stat, counted behind the state."""


def call_itself(name: str) -> None:
    """Give this process a name, of which the kernel keeps 15 bytes; Linux only."""
    if sys.platform == "linux":
        libc().prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def replace_word(old: str, new: str) -> None:
    """Replace an argument in the line that ``ps`` shows; what follows may lose its end.

    A forked process would be shown with the line of the one it came from. Does nothing where that
    cannot be changed.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        line, area = _line(), _Area()
        if b"\0%s\0" % old.encode() in line:
            area.write(line, line.replace(b"\0%s\0" % old.encode(), b"\0%s\0" % new.encode(), 1))
        elif b" %s " % old.encode() in line:  # show() has written it
            area.write_beyond(line.replace(b" %s " % old.encode(), b" %s " % new.encode(), 1))


def show(line: str) -> None:
    """Replace the whole line that ``ps`` shows; the end of a long one may be lost.

    It takes the place of arguments and of the environment that this process was started with:
    empty ``os.environ`` before. Does nothing where that cannot be changed.

    Args:
        line: the line, words between spaces.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        area = _Area()
        if area.shows(_line()):
            area.write_beyond(line.encode())


def _line() -> bytes:
    with open("/proc/self/cmdline", "rb") as file:
        return file.read()


class _Area:
    """Where the kernel reads the line from: the arguments, and the environment behind them.

    Beyond the arguments it reads on only if their last byte is not 0, and then to the first 0.
    """

    def __init__(self) -> None:
        with open("/proc/self/stat", "rb") as file:
            stat = file.read()
        fields = [int(field) for field in stat[stat.rindex(b")") + 2 :].split()[1:]]
        self.start, self.end, begin, end = fields[_ARG_START : _ARG_START + 4]
        self.beyond = end if begin == self.end else self.end

    def shows(self, line: bytes) -> bool:
        """Tell whether a line is what stands in the arguments alone."""
        return bool(self.start) and self.end - self.start == len(line)

    def write(self, before: bytes, line: bytes) -> None:
        if self.shows(before):
            _write(self.start, line, self.end - self.start)

    def write_beyond(self, line: bytes) -> None:
        _write(self.start, line, self.beyond - self.start)


def _write(start: int, line: bytes, room: int) -> None:
    if start and room > 0:
        ctypes.memmove(start, line[: room - 1].ljust(room, b"\0"), room)
