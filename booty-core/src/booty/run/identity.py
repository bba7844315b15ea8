"""Which process, on which machine: so that nobody ever signals a stranger."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from typing import NamedTuple

__all__ = [
    "Identity",
    "Stat",
    "alive",
    "boot_id",
    "machine_id",
    "of",
    "pid_namespace",
    "start_time",
    "stat",
]


class Identity(NamedTuple):
    """What makes a process the same process.

    Attributes:
        machine: id of the machine.
        boot: id of its boot.
        pidns: pid namespace the number belongs to.
        pid: process number.
        start: kernel start time, clock ticks since boot (Linux) or seconds since 1970.
    """

    machine: str
    boot: str
    pidns: str
    pid: int
    start: int


class Stat(NamedTuple):
    """A line of the process table; ``state`` is the kernel's letter, ``Z`` a zombie."""

    pid: int
    state: str
    ppid: int
    pgid: int
    sid: int
    start: int


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
    return f"host:{socket.gethostname()}"


@cache
def boot_id() -> str:
    """Return the id of this boot."""
    return _first_line("/proc/sys/kernel/random/boot_id") or _boot_time()


def _boot_time() -> str:  # macOS
    import subprocess

    done = subprocess.run(
        ["/usr/sbin/sysctl", "-n", "kern.boottime"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


@cache
def pid_namespace() -> str:
    """Return the pid namespace of this process, ``""`` where there are none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def stat(pid: int) -> Stat | None:
    """Return a process's line of the process table, ``None`` if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            line = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return _ps_stat(pid) if sys.platform == "darwin" else None
    # the name may hold spaces and parentheses: fields are counted from its last one
    fields = line[line.rindex(b")") + 2 :].split()
    return Stat(
        pid, fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19])
    )


def _ps_stat(pid: int) -> Stat | None:
    import subprocess
    import time

    done = subprocess.run(
        ["/bin/ps", "-o", "stat=,ppid=,pgid=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C"},
    )
    if done.returncode:
        return None
    state, ppid, pgid, started = done.stdout.split(maxsplit=3)
    start = int(time.mktime(time.strptime(started.strip(), "%a %b %d %H:%M:%S %Y")))
    return Stat(pid, state[0], int(ppid), int(pgid), int(pgid), start)


def start_time(pid: int) -> int | None:
    """Return the kernel start time of a process, ``None`` if there is none."""
    found = stat(pid)
    return found.start if found else None


def of(pid: int, start: int) -> Identity:
    """Return the identity of a process of this machine, boot and namespace."""
    return Identity(machine_id(), boot_id(), pid_namespace(), pid, start)


def alive(pid: int | None, start: int | None) -> bool:
    """Tell whether a process of this machine and boot still runs; a zombie does not."""
    if not pid:
        return False
    found = stat(pid)
    return found is not None and found.start == start and found.state not in {"Z", "X"}
