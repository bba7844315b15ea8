"""Which process, on which machine: so that nobody ever signals a stranger."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from types import ModuleType

from booty.run import whole

__all__ = [
    "Stat",
    "alive",
    "boot_id",
    "command_line",
    "darwin",
    "environment",
    "machine_id",
    "pid_namespace",
    "pids",
    "start_time",
    "stat",
]


class Stat:
    """A line of the process table.

    Every command starts with this module; a named tuple takes python a third of a millisecond.

    Attributes:
        pid: process number.
        state: the kernel's letter; ``Z`` is a zombie.
        ppid: number of the parent.
        pgid: number of the group.
        sid: number of the session.
        start: kernel start time, clock ticks since boot (Linux) or microseconds since 1970.
    """

    __slots__ = ("pgid", "pid", "ppid", "sid", "start", "state")

    def __init__(  # noqa: PLR0917 - as they stand in the kernel's line
        self, pid: int, state: str, ppid: int, pgid: int, sid: int, start: int
    ) -> None:
        self.pid = pid
        self.state = state
        self.ppid = ppid
        self.pgid = pgid
        self.sid = sid
        self.start = start


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.readline().strip()
    except OSError:
        return ""


@cache
def machine_id() -> str:
    """Return the id of this machine: that of systemd or D-Bus, else its host name."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        if found := _first_line(path):
            return found
    known = darwin().machine() if sys.platform == "darwin" else ""
    return known or f"host:{socket.gethostname()}"


@cache
def boot_id() -> str:
    """Return the id of this boot."""
    if sys.platform == "darwin":
        return darwin().boot()
    return _first_line("/proc/sys/kernel/random/boot_id")


def darwin() -> ModuleType:
    """Return the module that asks macOS; it is of no use elsewhere, and costs memory."""
    from booty.run import darwin as found

    return found


@cache
def pid_namespace() -> str:
    """Return the pid namespace of this process, ``""`` where there are none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def stat(pid: int) -> Stat | None:
    """Return a process's line of the process table, ``None`` if there is no such process."""
    if sys.platform == "darwin":
        found = darwin().line(pid)
        return None if found is None else Stat(*found)
    try:
        line = whole.contents(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the name may hold spaces and parentheses: fields are counted from its last one
    fields = line[line.rindex(b")") + 2 :].split()
    return Stat(
        pid, fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19])
    )


def pids() -> list[int]:
    """Return every process of this machine, as far as it can be seen."""
    if sys.platform == "darwin":
        return list(darwin().pids())
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def environment(pid: int) -> list[bytes]:
    """Return ``NAME=value`` of a process; empty where it may not be seen."""
    if sys.platform == "darwin":
        return list(darwin().environment(pid))
    return _words(f"/proc/{pid}/environ")


def command_line(pid: int) -> list[bytes]:
    """Return the words of a process's command line; empty where it may not be seen."""
    if sys.platform == "darwin":
        return list(darwin().words(pid))
    return _words(f"/proc/{pid}/cmdline")


def _words(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read().rstrip(b"\0").split(b"\0")
    except OSError:
        return []


def start_time(pid: int) -> int | None:
    """Return the kernel start time of a process, ``None`` if there is none."""
    found = stat(pid)
    return found.start if found else None


def alive(pid: int | None, start: int | None) -> bool:
    """Tell whether a process of this machine and boot still runs; a zombie does not."""
    if not pid:
        return False
    found = stat(pid)
    return found is not None and found.start == start and found.state not in {"Z", "X"}
