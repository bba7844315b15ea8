"""Words on a terminal, or plain lines elsewhere. Standard library alone."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Final, TextIO

__all__ = ["Screen", "plain", "table"]

COLUMNS: Final = 80
"""Width of a terminal that does not tell."""
_CONTROL: Final = (
    r"\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)
_COLOUR: Final = r"\x1b\[[0-9;:]*m"
COLOURS: Final = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns; cells are shown as they are."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
             for row in (head, *rows))  # fmt: skip
    return "\n".join(lines)


class Screen:
    """Talks to a person.

    Args:
        stream: where to; by default stderr.
        quiet: say nothing but faults.
    """

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self.live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._status = ""

    def say(self, text: str) -> None:
        """Print a line above the status line."""
        if not self._quiet:
            self.fault(text)

    def fault(self, text: str) -> None:
        """Print a line even when quiet."""
        self._write(f"{self._clear()}{text}\n{self._status}")

    def status(self, text: str) -> None:
        """Replace the status line; shown on a terminal only."""
        if self.live and not self._quiet:
            shown = text[: self._columns() - 1]
            if shown != self._status:
                self._write(self._clear() + shown)
                self._status = shown

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or COLUMNS
        except OSError:
            return COLUMNS

    def end(self) -> None:
        """Take the status line away."""
        self._write(self._clear())
        self._status = ""

    def _clear(self) -> str:
        return "\r\x1b[K" if self._status else ""

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # the terminal or the reader has gone: who stops a stack must not stumble over that
            self._stream = open(os.devnull, "w")  # noqa: SIM115 - until the end of the process
            self.live = False

    def harmless(self, line: str) -> str:
        """Return somebody else's line as a terminal may have it: with its colours, no more.

        Off a terminal it is as it was. Of a line that was written over, as progress is, the end.
        """
        if not self.live or line.isprintable():
            return line
        if os.environ.get("NO_COLOR") or not re.search(_COLOUR, line):
            return plain(line)
        return re.sub(_CONTROL, _colour, _end(line)) + "\x1b[0m"

    def coloured(self, text: str, number: int) -> str:
        """Return a text in one of ten colours, on a terminal."""
        if not self.live or os.environ.get("NO_COLOR"):
            return text
        return f"\x1b[{COLOURS[number % len(COLOURS)]}m{text}\x1b[0m"


def plain(line: str) -> str:
    """Return a line without what moves the cursor, names the window or changes colours."""
    return re.sub(_CONTROL, "", _end(line))


def _end(line: str) -> str:
    return line.rpartition("\r")[2]


def _colour(found: re.Match[str]) -> str:
    return found[0] if re.fullmatch(_COLOUR, found[0]) else ""
