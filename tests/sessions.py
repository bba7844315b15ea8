"""Commands that go on while a test looks at them, with pipes or on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["PATIENCE", "Session", "opened"]

PATIENCE = 30.0
"""Seconds until what was waited for must have come."""
SHOWN: Final = 20_000
"""Characters of the end that are searched again, and shown in a failure."""
ON_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background ignore it
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Session:
    """A command that goes on, and what it has said."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int) -> None:
        self.process = process
        self.said = ""
        self._fd = fd

    def until(self, words: str) -> None:
        """Read until words were said, or see that they were."""
        end, begin = time.monotonic() + PATIENCE, 0
        while not re.compile(words).search(self.said, begin):
            assert time.monotonic() < end, self.said[-SHOWN:]
            begin = max(0, len(self.said) - SHOWN)
            assert self._read(end - time.monotonic()), self.said[-SHOWN:]

    def _read(self, seconds: float) -> bool:
        if not select.select([self._fd], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False  # the other side of a terminal has gone
        self.said += data.decode(errors="replace")
        return bool(data)

    def hang_up(self) -> None:
        """Close our side of what it writes to."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def type(self, keys: bytes) -> None:
        """Press keys on its terminal."""
        os.write(self._fd, keys)

    def echoes(self) -> bool:
        """Tell whether its terminal shows what is typed."""
        return bool(termios.tcgetattr(self._fd)[3] & termios.ECHO)

    def signal(self, number: int) -> None:
        """Send a signal to the command alone."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Read the rest; returns the exit status."""
        end = time.monotonic() + PATIENCE
        while self._read(end - time.monotonic()):
            pass
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(self.said) from error


@contextmanager
def opened(
    argv: Sequence[str], cwd: Path, env: dict[str, str], *, terminal: bool = False
) -> Iterator[Session]:
    """Run a command with pipes, or on a terminal of its own; it is killed in the end."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [*((sys.executable, "-ISc", ON_TERMINAL) if terminal else ()), *argv],
        cwd=cwd,
        env=env | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    session = Session(process, ours)
    try:
        yield session
    finally:
        process.kill()
        process.wait()
        session.hang_up()
