"""The supervisor's end of the line to its guardian."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any, Final

from booty.run import process
from booty.run.process import Exit
from booty.supervise import roles

if TYPE_CHECKING:
    from booty.supervise.holdings import Holdings

__all__ = ["Parent"]

CHUNK: Final = 65536


class Parent:
    """Hears of ends of processes that the guardian reaped; takes its place when it dies.

    Args:
        held: what the supervisor holds.
        fd: our end of the socket pair.
    """

    def __init__(self, held: Holdings, fd: int) -> None:
        self._held = held
        self._link = socket.socket(fileno=fd)
        self._link.setblocking(False)
        held.loop.watch(fd, self._hear)

    def _hear(self) -> None:
        try:
            data = self._link.recv(CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._take_its_place()
            return
        taken = []
        for line in data.splitlines():
            pid, code, number = json.loads(line)["exit"]
            self._held.ends.told(pid, Exit(code, number))
            taken.append(pid)
        self.tell({"do": "taken", "pids": taken})

    def _take_its_place(self) -> None:
        # the children stay our own; the new guardian starts a supervisor that adopts them
        self._held.save()
        self._held.workers.close()
        fds = {name: fd for name, fd in self._held.fds.items() if name != "guardian"}
        for fd in fds.values():
            os.set_inheritable(fd, True)
        arguments = {
            "state": self._held.folder.root,
            "lifetime": self._held.lifetime,
            "fds": fds,
            "inherits": True,
            "exits": self._held.ends.known(),
        }
        process.give_back_file_limit()
        argv = roles.command("guardian", arguments)
        os.execv(argv[0], argv)

    def tell(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        """Tell the guardian something; its death is seen by the end of file."""
        line = json.dumps(message).encode() + b"\n"
        with contextlib.suppress(OSError):
            socket.send_fds(self._link, [line], list(fds))
