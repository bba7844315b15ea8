"""The notify socket: READY=1 and STATUS of programs that speak sd_notify."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Final

from booty.run import identity

if TYPE_CHECKING:
    from booty.supervise.supervisor import Supervisor
    from booty.supervise.unit import Unit

__all__ = ["Notices"]

CHUNK: Final = 4096
_CREDENTIALS: Final = struct.Struct("3i")


class Notices:
    """Hears notices and hands them to the instance that sent them.

    Args:
        sup: the supervisor.
        fd: the bound datagram socket.
    """

    def __init__(self, sup: Supervisor, fd: int) -> None:
        self._sup = sup
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        if hasattr(socket, "SO_PASSCRED"):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        sup.loop.watch(fd, self._hear)

    def _hear(self) -> None:
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(CHUNK, space)
            except BlockingIOError:
                return
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, getattr(socket, "SCM_CREDENTIALS", -1)):
                    self._take(_CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0], data)

    def _take(self, pid: int, data: bytes) -> None:
        unit = self._sender(pid)
        if unit is None:
            return  # a stranger, or one that has gone since
        words = dict(
            line.partition("=")[::2] for line in data.decode(errors="replace").splitlines()
        )
        if words.get("READY") == "1":
            unit.notified.set(None)
        if "STATUS" in words and unit.state == "starting":
            unit.to("starting", words["STATUS"][:200])

    def _sender(self, pid: int) -> Unit | None:
        unit = self._sup.by_pid.get(pid)
        if unit is None:
            found = identity.stat(pid)
            unit = self._sup.by_pid.get(found.sid) if found else None
        return unit
