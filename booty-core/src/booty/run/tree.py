"""Who descends from whom, so that nothing of a stack is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Final

from booty.run import identity
from booty.run.libc import libc

__all__ = [
    "REAPS",
    "bears",
    "become_subreaper",
    "belonging",
    "children",
    "descendants",
    "descends",
    "kill",
    "marked",
    "related",
]

REAPS: Final = sys.platform == "linux"
"""Whether orphans can become children of an ancestor; elsewhere they are the first process's."""
_PR_SET_CHILD_SUBREAPER: Final = 36
_MARK: Final = b"BOOTY_MARK="
_DEEPEST: Final = 256
"""Generations that are looked through; a number that is given again could make a ring."""


def become_subreaper() -> None:
    """Let orphaned descendants become our children; does nothing where there is no such thing."""
    if REAPS:
        libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _parents() -> dict[int, int]:
    lines = (identity.stat(pid) for pid in identity.pids())
    return {line.pid: line.ppid for line in lines if line is not None}


def children(pid: int) -> list[int]:
    """Return the children of a process that has one thread; zombies included."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):  # a kernel without the file, or none of Linux
        return [child for child, parent in _parents().items() if parent == pid]


def descendants(pid: int) -> list[int]:
    """Return every process below one, nearest first; zombies included."""
    below: dict[int, list[int]] = {}
    for child, parent in _parents().items():
        below.setdefault(parent, []).append(child)
    found: list[int] = []
    left = [pid]
    while left:
        children = below.get(left.pop(0), [])
        found += children
        left += children
    return found


def kill(pids: list[int], number: int = signal.SIGKILL) -> None:
    """Signal processes that were just found to be ours."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def marked(mark: str) -> int | None:
    """Return the process that was spawned with a mark in its environment, the oldest if several."""
    found: list[tuple[int, int]] = []
    for pid in identity.pids():
        if _MARK + mark.encode() in identity.environment(pid):
            stat = identity.stat(pid)
            if stat is not None and stat.state not in {"Z", "X"}:
                found.append((stat.start, stat.pid))
    return min(found)[1] if found else None


def descends(pid: int, ancestor: int) -> bool:
    """Tell whether a process is a descendant of another one."""
    for _ in range(_DEEPEST):
        stat = identity.stat(pid)
        if stat is None or stat.ppid <= 1:
            return False
        if stat.ppid == ancestor:
            return True
        pid = stat.ppid
    return False


def bears(pid: int, mark: str) -> bool:
    """Tell whether a process has a mark in its environment."""
    return _MARK + mark.encode() in identity.environment(pid)


def belonging(sessions: set[int], marks: set[str]) -> list[int]:
    """Return living processes that lead back to spawned ones: by session, or by mark.

    Args:
        sessions: process numbers of the spawned ones; each led a session of its own.
        marks: their marks, which descendants have in their environment unless they cleared it.
    """
    return [*related(sessions, marks)]


def related(sessions: set[int], marks: set[str]) -> dict[int, tuple[int, str]]:
    """Return the same, each with its session and the one of the marks that it has, else ``""``.

    The whole table of processes is read for it, once: ask for all that are looked for together.
    """
    words = {_MARK + mark.encode(): mark for mark in marks}
    found = {}
    for pid in identity.pids():
        stat = identity.stat(pid)
        if stat is None or stat.state in {"Z", "X"} or stat.pid == os.getpid():
            continue
        mark = next((words[word] for word in identity.environment(pid) if word in words), "")
        if mark or stat.sid in sessions:
            found[pid] = (stat.sid, mark)
    return found
