"""Programs of others that take minutes: heard line by line, with a deadline, never left running."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

__all__ = ["Said", "Stop", "run"]

_HOLDER: Final = (sys.executable, "-I", "-S", str(Path(__file__).with_name("holder.py")))
_LAST: Final = 40
_PASSWORD: Final = re.compile(r"//[^/@\s]+@")
"""A user's name and password in a URL: what others say may be told to anybody."""


@frozen(kw_only=True)
class Said:
    """How a program ended.

    Attributes:
        code: its exit status; 128 and more for a signal.
        lines: the last lines that it said.
        late: it was killed at its deadline.
    """

    code: int
    lines: tuple[str, ...] = ()
    late: bool = False


class Stop:
    """Ends programs under way, from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._over = threading.Event()

    def now(self) -> None:
        """End everything, and start nothing more."""
        with self._lock:
            self._over.set()
            for one in self._running:
                _let_go(one)

    def check(self) -> None:
        """Raise ``CancelledError`` if it is over."""
        if self._over.is_set():
            raise CancelledError

    def wait(self, seconds: float) -> None:
        """Wait some seconds; raise ``CancelledError`` if it is over."""
        self._over.wait(seconds)
        self.check()

    @contextmanager
    def holding(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Have a process ended by us while it runs."""
        with self._lock:
            self._running.add(process)
            if self._over.is_set():
                _let_go(process)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    deadline: float,
    stop: Stop,
    hear: Callable[[str], None],
    cwd: Path | None = None,
) -> Said:
    """Run a program to its end.

    Its whole process group is killed at the deadline, when ``stop`` says so, and when we are killed
    ourselves; then the folder goes too.

    Args:
        argv: program and arguments.
        env: its whole environment.
        folder: what it works in.
        deadline: seconds that it may take.
        stop: ends it from another thread.
        hear: called with each line of stdout and stderr.
        cwd: its working folder, if that is another.

    Raises:
        OSError: it cannot be started.
        CancelledError: ``stop`` ended it.
    """
    last: deque[str] = deque(maxlen=_LAST)
    late = threading.Event()
    process = subprocess.Popen(
        [*_HOLDER, str(folder), *argv],
        env=dict(env),
        cwd=cwd or folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # ctrl-C is for us alone
    )
    with process, stop.holding(process), _deadline(process, deadline, late):
        for line in process.stdout or ():
            told = _PASSWORD.sub("//", line.rstrip())
            last.append(told)
            hear(told)
        code = process.wait()
    stop.check()
    return Said(code=code, lines=tuple(last), late=late.is_set())


@contextmanager
def _deadline(
    process: subprocess.Popen[str], seconds: float, late: threading.Event
) -> Iterator[None]:
    def end() -> None:
        late.set()
        _let_go(process)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _let_go(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
