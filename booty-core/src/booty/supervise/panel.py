"""A whole terminal for a view that changes; it is as it was afterwards. Standard library alone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
from types import FrameType
from typing import Any, Final, Self

from booty.run.signals import wakeup

__all__ = ["Panel"]

SIZE: Final = (80, 24)
"""Columns and lines of a terminal that does not tell."""
ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
LEAVE: Final = b"qQ\x03\x04"
"""Keys that leave: q, ctrl-C, ctrl-D."""
OPEN: Final = "\x1b[?1049h\x1b[?25l"
CLOSE: Final = "\x1b[?25h\x1b[?1049l"
CHUNK: Final = 4096


class Panel:
    """A context in which the terminal is ours: the other screen, no cursor, keys at once.

    Attributes:
        left: whether the person wants to leave: a key, or a signal that ends.
        signal: the signal that ended it, 0 if it was none.
    """

    def __init__(self) -> None:
        self.left = False
        self.signal = 0
        self._out = sys.stdout
        self._keys: int | None = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._before: list[Any] = []
        self._woken = wakeup()
        self._shown: list[str] = []

    def __enter__(self) -> Self:
        for number in ENDS:
            signal.signal(number, self._end)
        signal.signal(signal.SIGWINCH, self._resized)
        if self._keys is not None:
            self._before = termios.tcgetattr(self._keys)
            now = termios.tcgetattr(self._keys)
            now[3] &= ~(termios.ICANON | termios.ECHO)
            termios.tcsetattr(self._keys, termios.TCSADRAIN, now)
        self._write(OPEN)
        return self

    def __exit__(self, *_: object) -> None:
        self._write(CLOSE)
        if self._keys is not None:
            with contextlib.suppress(termios.error):  # the terminal has gone
                termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)

    def _end(self, number: int, _: FrameType | None) -> None:
        self.left, self.signal = True, number

    def _resized(self, *_: object) -> None:
        self._shown = []

    def size(self) -> tuple[int, int]:
        """Return columns and lines."""
        try:
            found = os.get_terminal_size(self._out.fileno())
        except OSError:
            return SIZE
        return found.columns or SIZE[0], found.lines or SIZE[1]

    def draw(self, lines: list[str]) -> None:
        """Show lines from the top, cut to the terminal; only what changed is written.

        Args:
            lines: without control characters; one with colours is as short as it must be already.
        """
        columns, height = self.size()
        cut = [line if "\x1b" in line else line[:columns] for line in lines[:height]]
        words = [
            f"\x1b[{number + 1};1H{line}\x1b[K"
            for number, line in enumerate(cut)
            if self._shown[number : number + 1] != [line]
        ]
        if len(cut) < len(self._shown) or not self._shown:
            words.append(f"\x1b[{len(cut) + 1};1H\x1b[J" if len(cut) < height else "")
        self._shown = cut
        self._write("".join(words))

    def wait(self, fds: list[int], timeout: float | None) -> set[int]:
        """Wait until something can be read, a key is pressed or a signal comes.

        Args:
            fds: descriptors to wait for.
            timeout: seconds at most, ``None`` = for ever.

        Returns:
            Those of them that can be read.
        """
        own = [self._woken, *([] if self._keys is None else [self._keys])]
        readable = set() if self.left else set(select.select([*fds, *own], [], [], timeout)[0])
        if self._woken in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, CHUNK)
        if self._keys in readable:
            self._pressed()
        return readable & set(fds)

    def _pressed(self) -> None:
        try:
            keys = os.read(self._keys or 0, CHUNK)
        except OSError:
            keys = b""  # the terminal has gone
        if not keys or any(key in LEAVE for key in keys):
            self.left = True

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:
            self.left = True
