"""Who listens on which port of this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from booty.run import identity, owner

__all__ = [
    "Listening",
    "bound",
    "busy_ports",
    "command_of",
    "ephemeral",
    "holder",
    "inodes_of",
    "taken",
]

_TABLES: Final = {
    "tcp": ("/proc/net/tcp", "/proc/net/tcp6"),
    "udp": ("/proc/net/udp", "/proc/net/udp6"),
}
_STATES: Final = {"tcp": "0A", "udp": "07"}
"""Listening; of a datagram socket: bound, and connected to nobody."""
_RANGE: Final = "/proc/sys/net/ipv4/ip_local_port_range"
_DEFAULT: Final = (32768, 60999)
_DEFAULT_MACOS: Final = (49152, 65535)
_HIDDEN: Final = "a process of another user"
_KINDS: Final = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class Listening(Mapping[int, str]):
    """Ports in use by number; who holds one is looked up when it is asked for.

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
        return _phrase(self._holders.get(self._inodes[port]))

    def pid(self, port: int) -> int | None:
        """Return the process that holds a port; ``None`` where it cannot be seen or nobody does."""
        return self._holders.get(self._inodes.get(port, ""))

    def without(self, ports: set[int], inodes: set[str] = frozenset()) -> Listening:  # type: ignore[assignment]  # only looked into
        """Return the same without some ports, and without those of some sockets."""
        left = {
            port: one
            for port, one in self._inodes.items()
            if port not in ports and one not in inodes
        }
        return Listening(left)

    @cached_property
    def _holders(self) -> dict[str, int]:
        wanted = set(self._inodes.values())
        if sys.platform == "darwin":
            return {pid: int(pid) for pid in wanted}  # it names the process, not its socket
        return {inode: pid for pid, inode in _sockets() if inode in wanted}


def _phrase(pid: int | None) -> str:
    return f'pid {pid} "{command_of(pid)}"{owner.told(pid)}' if pid else _HIDDEN


def busy_ports(protocol: str = "tcp") -> Listening:
    """Return every port that somebody listens on; empty where the system does not tell.

    Args:
        protocol: ``tcp`` or ``udp``.
    """
    found: dict[int, str] = {}
    if sys.platform == "darwin":
        known: dict[int, int] = identity.darwin().listening(protocol)
        return Listening({port: str(pid) for port, pid in known.items()})
    for table in _TABLES[protocol]:
        with contextlib.suppress(OSError), open(table, encoding="ascii") as file:
            next(file)
            for line in file:
                fields = line.split()
                if fields[3] == _STATES[protocol]:
                    found[int(fields[1].rpartition(":")[2], 16)] = fields[9]
    return Listening(found)


def bound(bind: str, port: int, protocol: str = "tcp") -> socket.socket:
    """Return a socket bound to an address; nobody can connect to it yet.

    Args:
        bind: the address, of IPv4 or IPv6.
        port: the number.
        protocol: ``tcp`` or ``udp``.

    Raises:
        OSError: somebody else has it, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    made = socket.socket(family, _KINDS[protocol])
    try:
        # what has ended lingers for a minute; who listens is in the way all the same
        if protocol == "tcp":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((bind.strip("[]"), port))
    except BaseException:
        made.close()
        raise
    return made


def taken(bind: str, port: int, protocol: str = "tcp") -> bool:
    """Tell whether somebody listens where a program is about to; asks the kernel, on any system.

    Args:
        bind: the address.
        port: the number.
        protocol: ``tcp`` or ``udp``.
    """
    try:
        bound(bind, port, protocol).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def holder(port: int, protocol: str = "tcp") -> tuple[int | None, str]:
    """Return who holds a port: the process if it can be seen, and a phrase that names it.

    Args:
        port: a number that is :func:`taken`.
        protocol: ``tcp`` or ``udp``.
    """
    pid = busy_ports(protocol).pid(port)
    return pid, _phrase(pid)


def _sockets() -> Iterator[tuple[int, str]]:
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        for inode in inodes_of(int(pid)):
            yield int(pid), inode


def inodes_of(pid: int) -> Iterator[str]:
    """Yield the inodes of a process's sockets; none where they cannot be seen."""
    with contextlib.suppress(OSError):
        for fd in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(fd.path)
                if target.startswith("socket:["):
                    yield target[8:-1]


def command_of(pid: int) -> str:
    """Return the name of a process's program, ``gone`` if there is none."""
    words = identity.command_line(pid)
    if not words:
        return "gone"
    return os.path.basename(words[0].decode(errors="replace"))


def ephemeral() -> tuple[int, int]:
    """Return the first and last port that the kernel gives to outgoing connections."""
    try:
        with open(_RANGE, encoding="ascii") as file:
            low, high = map(int, file.read().split())
    except (OSError, ValueError):
        return _DEFAULT_MACOS if sys.platform == "darwin" else _DEFAULT
    return low, high
