"""Who listens on which port of this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

__all__ = ["Listening", "busy_ports", "command_of", "ephemeral"]

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTEN: Final = "0A"
_RANGE: Final = "/proc/sys/net/ipv4/ip_local_port_range"
_DEFAULT: Final = (32768, 60999)


class Listening(Mapping[int, str]):
    """Listening ports by number; who holds one is looked up when it is asked for.

    Args:
        inodes: socket inode by port number.
    """

    def __init__(self, inodes: Mapping[int, str]) -> None:
        self._inodes = dict(inodes)

    def __iter__(self) -> Iterator[int]:
        return iter(self._inodes)

    def __len__(self) -> int:
        return len(self._inodes)

    def __contains__(self, port: object) -> bool:
        return port in self._inodes

    def __getitem__(self, port: int) -> str:
        pid = self._holders.get(self._inodes[port])
        return f'pid {pid} "{command_of(pid)}"' if pid else "a process of another user"

    def without(self, ports: set[int]) -> Listening:
        """Return the same without some ports."""
        return Listening({port: one for port, one in self._inodes.items() if port not in ports})

    @cached_property
    def _holders(self) -> dict[str, int]:
        wanted = set(self._inodes.values())
        return {inode: pid for pid, inode in _sockets() if inode in wanted}


def busy_ports() -> Listening:
    """Return every TCP port that somebody listens on; empty where the system does not tell."""
    found: dict[int, str] = {}
    for table in _TABLES:
        with contextlib.suppress(OSError), open(table, encoding="ascii") as file:
            next(file)
            for line in file:
                fields = line.split()
                if fields[3] == _LISTEN:
                    found[int(fields[1].rpartition(":")[2], 16)] = fields[9]
    return Listening(found)


def _sockets() -> Iterator[tuple[int, str]]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for fd in os.scandir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    target = os.readlink(fd.path)
                    if target.startswith("socket:["):
                        yield int(pid), target[8:-1]


def command_of(pid: int) -> str:
    """Return the name of a process's program, ``gone`` if there is none."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return "gone"
    return os.path.basename(words[0].decode(errors="replace"))


def ephemeral() -> tuple[int, int]:
    """Return the first and last port that the kernel gives to outgoing connections."""
    try:
        with open(_RANGE, encoding="ascii") as file:
            low, high = map(int, file.read().split())
    except (OSError, ValueError):
        return _DEFAULT
    return low, high
