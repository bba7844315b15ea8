"""What the first process of a container has to do besides: nobody else does it."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Final

__all__ = ["bury", "hear_orphans", "is_first", "obey"]

_INTERRUPTED: Final = 130


def is_first() -> bool:
    """Tell whether this is process 1, with whose end all of its container ends."""
    return os.getpid() == 1


def obey() -> None:
    """Let stop signals end this process where it is the first, which the kernel would not."""
    if is_first():
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, lambda *_: os._exit(_INTERRUPTED))


def hear_orphans() -> None:
    """Let the end of a child wake the first process."""
    if is_first():
        signal.signal(signal.SIGCHLD, lambda *_: None)


def bury() -> None:
    """Collect what was orphaned in the container and has ended; only the first process does."""
    if is_first():
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
