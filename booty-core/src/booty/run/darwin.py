"""What macOS says of processes, where Linux has /proc: libproc, sysctl and lsof.

Nothing here is imported on Linux. Calls go through :func:`_libc`, so that a test can put a kernel
of its own in its place; CI has no such machine.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import subprocess
from functools import cache
from typing import Any, Final, NamedTuple

__all__ = [
    "Line",
    "boot",
    "environment",
    "holders",
    "line",
    "listening",
    "machine",
    "pids",
    "words",
]

_ALL: Final = 1
"""``PROC_ALL_PIDS``."""
_BSDINFO: Final = 3
"""``PROC_PIDTBSDINFO``."""
_ZOMBIES_TOO: Final = 1
_INFO: Final = struct.Struct("=12I16s32s5IiQQ")
"""``struct proc_bsdinfo`` of <sys/proc_info.h>."""
_STATES: Final = {1: "I", 2: "R", 3: "S", 4: "T", 5: "Z"}
"""``SIDL SRUN SSLEEP SSTOP SZOMB`` as the letters that Linux has."""
_MICRO: Final = 1_000_000
_KERN: Final = 1
_PROCARGS2: Final = 49
_LONGEST: Final = 1 << 20
"""``ARG_MAX``: bytes of argv and environment together."""
_UUID: Final = 16


class Line(NamedTuple):
    """A process: ``state`` as a letter of Linux, ``start`` in microseconds since 1970."""

    pid: int
    state: str
    ppid: int
    pgid: int
    sid: int
    start: int


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def line(pid: int) -> Line | None:
    """Return a process's line of the process table, zombies included; ``None`` if it is gone."""
    room = ctypes.create_string_buffer(_INFO.size)
    got = _libc().proc_pidinfo(pid, _BSDINFO, ctypes.c_uint64(_ZOMBIES_TOO), room, _INFO.size)
    if got != _INFO.size:
        return None
    found = _INFO.unpack(room.raw)
    group, start = found[15], found[20] * _MICRO + found[21]
    return Line(pid, _STATES.get(found[1], "S"), found[4], group, _session(pid, group), start)


def _session(pid: int, group: int) -> int:
    # a program leads a session and a group of one number; who may not ask takes the group
    try:
        return os.getsid(pid)
    except OSError:
        return group


def pids() -> list[int]:
    """Return every process that this user can see."""
    size = 4 * (_libc().proc_listpids(_ALL, 0, None, 0) // 4 + 64)
    room = ctypes.create_string_buffer(size)
    got = max(0, _libc().proc_listpids(_ALL, 0, room, size))
    return [pid for (pid,) in struct.iter_unpack("=i", room.raw[: got // 4 * 4]) if pid > 0]


def _arguments(pid: int) -> tuple[int, list[bytes]]:
    # number of words, then: path of the program, filler, words, variables
    names = (ctypes.c_int * 3)(_KERN, _PROCARGS2, pid)
    room = ctypes.create_string_buffer(_LONGEST)
    size = ctypes.c_size_t(_LONGEST)
    if _libc().sysctl(names, 3, room, ctypes.byref(size), None, 0):
        return 0, []
    data = room.raw[: size.value]
    (count,) = struct.unpack_from("=i", data)
    rest = data[4:]
    return count, rest[rest.index(b"\0") :].lstrip(b"\0").split(b"\0")


def words(pid: int) -> list[bytes]:
    """Return a process's command line; empty where it may not be seen."""
    count, found = _arguments(pid)
    return found[:count]


def environment(pid: int) -> list[bytes]:
    """Return ``NAME=value`` of a process.

    Empty where it may not be seen: of other users, and of Apple's own programs (``/bin/sh``), whose
    variables the kernel keeps to itself.
    """
    count, found = _arguments(pid)
    return [one for one in found[count:] if one]


def _sysctl(name: str) -> str:
    done = subprocess.run(
        ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def boot() -> str:
    """Return the id of this boot; the time of it would move with the clock."""
    return _sysctl("kern.bootsessionuuid") or _sysctl("kern.boottime")


def machine() -> str:
    """Return the id of this machine, empty if it has none; a host name changes with the network."""
    room = (ctypes.c_ubyte * _UUID)()
    patience = (ctypes.c_long * 2)(1, 0)
    with contextlib.suppress(AttributeError):
        if not _libc().gethostuuid(room, patience):
            return bytes(room).hex()
    return ""


def _lsof(*asked: str) -> list[str]:
    with contextlib.suppress(OSError):
        argv = ["/usr/sbin/lsof", "-nP", *asked]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines()
    return []


def holders(path: str) -> list[int]:
    """Return the processes that have a file open; the system does not tell who locks it."""
    return sorted({int(word) for word in _lsof("-t", "--", path)} - {os.getpid()})


def listening(protocol: str) -> dict[int, int]:
    """Return the process that listens on each port, of those that this user can see.

    Args:
        protocol: ``tcp`` or ``udp``.
    """
    asked = ["-iTCP", "-sTCP:LISTEN"] if protocol == "tcp" else ["-iUDP"]
    found: dict[int, int] = {}
    pid = 0
    for text in _lsof("-Fpn", *asked):
        number = text.rpartition(":")[2]
        if text.startswith("p"):
            pid = int(text[1:])
        elif text.startswith("n") and "->" not in text and number.isdigit():
            found.setdefault(int(number), pid)
    return found
