"""A control group of our own, where one can be had: all in it are killed in one step.

Linux with cgroup v2, in a group that this user may divide: as root, in a systemd user session, in a
container with delegation. Elsewhere everything here does nothing, and the process tree is walked.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

__all__ = ["Group"]

_MEMBERSHIP: Final = "/proc/self/cgroup"
_MOUNTS: Final = "/proc/self/mountinfo"
_TYPE: Final = "cgroup2"


def _mounted() -> tuple[str, str] | None:
    # which part of the tree of groups is seen where; it is mounted before there are processes
    with contextlib.suppress(OSError, ValueError), open(_MOUNTS, encoding="utf-8") as file:
        for line in file:
            fields, _, kind = line.partition(" - ")
            if kind.split(" ", 1)[0] == _TYPE:
                root, place = fields.split(" ")[3:5]
                return root, place
    return None


def _own(mount: tuple[str, str] | None) -> str | None:
    # the folder of the group that this process is in
    if mount is None:
        return None
    root, place = mount
    with contextlib.suppress(OSError), open(_MEMBERSHIP, encoding="utf-8") as file:
        for line in file:
            if line.startswith("0::"):
                below = os.path.relpath(line[3:].rstrip("\n"), root)
                return None if below.startswith("..") else os.path.normpath(f"{place}/{below}")
    return None


class Group:
    """A group below that of this process.

    Args:
        name: its name; of a process that is in a group of this name the one beside it is meant.

    Attributes:
        path: its folder, ``None`` where there can be none.
    """

    def __init__(self, name: str) -> None:
        self._mount = _mounted()
        own = _own(self._mount)
        if own is not None and os.path.basename(own) == name:
            own = os.path.dirname(own)
        self._above = own
        self.path = None if own is None else f"{own}/{name}"

    def take(self, pid: int) -> bool:
        """Put a process into it, with all that it starts from now on; tells whether it is."""
        if self.path is None:
            return False
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.path, 0o755)
            if not os.path.exists(f"{self.path}/cgroup.kill"):  # before Linux 5.14
                raise FileNotFoundError(self.path)
            _write(f"{self.path}/cgroup.procs", str(pid))
        except OSError:
            self.remove()
            return False
        return True

    def leave(self) -> None:
        """Take this process out of it."""
        if self._above is not None and _own(self._mount) == self.path:
            with contextlib.suppress(OSError):
                _write(f"{self._above}/cgroup.procs", str(os.getpid()))

    def kill(self) -> None:
        """Kill all that is in it, whatever sessions and parents they have."""
        if self.path is not None and _own(self._mount) != self.path:
            with contextlib.suppress(OSError):
                _write(f"{self.path}/cgroup.kill", "1")

    def remove(self) -> None:
        """Remove it, if it is there and nothing is in it."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                os.rmdir(self.path)


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
