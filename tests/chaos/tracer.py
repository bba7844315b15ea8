"""Runs a process of booty and KILLs it before its N-th system call; nothing of the product knows.

``python -I -S tracer.py CONTROL WRAPPER MAIN ROLE JSON`` stands in for a long-lived process,
``python tracer.py CONTROL WRAPPER command WORD…`` for a command. CONTROL is a file of three
numbers: the role to kill, at which call, and how many it has made since this was written.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from types import FrameType
from typing import Any

ROLES = ("", "guardian", "supervisor", "follower", "command")
SYSTEM = frozenset(
    ("posix", "_socket", "select", "fcntl", "_signal", "_io", "mmap", "resource", "termios")
)
PURE = frozenset(("fspath", "fsencode", "getpid", "getuid", "strerror", "getsignal", "fileno"))
OURS = (f"{os.sep}booty{os.sep}run{os.sep}", f"{os.sep}booty{os.sep}supervise{os.sep}")
FORKS = {"guardian": "guardian", "_fork": "supervisor"}
"""What is forked, by the function that does it."""
EVERYWHERE = f"{os.sep}booty{os.sep}"


class Tracer:
    """Counts the system calls of one process, and ends it."""

    def __init__(self, control: str, role: str) -> None:
        with open(control, "r+b") as file:  # noqa: PTH123 - pathlib would be traced time
            self.numbers = memoryview(mmap.mmap(file.fileno(), 24)).cast("q")
        self.role = ROLES.index(role)
        os.register_at_fork(after_in_child=self.forked)

    def forked(self) -> None:
        """Become what was forked: a guardian by a command, a supervisor by its guardian."""
        name = sys._getframe(1).f_code.co_name
        if name in FORKS:
            self.role = ROLES.index(FORKS[name])

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        """Take one event of the interpreter."""
        if event != "c_call" or self.numbers[0] != self.role or not is_system(called):
            return
        if not is_ours(frame):
            return
        self.numbers[2] += 1
        if self.numbers[2] == self.numbers[1]:
            self.numbers[0] = 0
            os.kill(os.getpid(), signal.SIGKILL)


def is_system(called: Any) -> bool:
    """Tell whether a function of C asks the system for something."""
    module = getattr(called, "__module__", None)
    if module is None:
        module = type(getattr(called, "__self__", None)).__module__
    return module in SYSTEM and called.__name__ not in PURE


def is_ours(frame: FrameType | None) -> bool:
    """Tell whether a call is made by ``run`` or ``supervise``; imports are not counted."""
    while frame is not None:
        name = frame.f_code.co_filename
        if "importlib" in name:
            return False
        if EVERYWHERE in name:
            return any(part in name for part in OURS)
        frame = frame.f_back
    return False


def main() -> None:
    """Become what is asked for."""
    control, wrapper, *words = sys.argv[1:]
    sys.executable = wrapper
    if words[0] == "command":
        sys.argv = ["booty", *words[1:]]
        from booty.__main__ import main as run

        sys.setprofile(Tracer(control, "command"))
        run()
        return
    import runpy

    sys.argv = words
    sys.setprofile(Tracer(control, words[1]))
    runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main()
