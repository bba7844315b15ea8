"""Who is at the other end of a unix socket, as the kernel says."""

from __future__ import annotations

import socket
import struct
from typing import Final

__all__ = ["user_of"]

_LINUX: Final = struct.Struct("3i")
"""``struct ucred``: pid, uid, gid."""
_MACOS: Final = struct.Struct("=2I")
"""The head of ``struct xucred``: version, uid."""
_SOL_LOCAL: Final = 0
_LOCAL_PEERCRED: Final = 1
_XUCRED: Final = 76
"""Bytes of a whole one."""


def user_of(link: socket.socket) -> int | None:
    """Return the user at the other end of a connection; ``None`` where the system cannot tell.

    Args:
        link: a connected unix socket.
    """
    try:
        if hasattr(socket, "SO_PEERCRED"):
            found = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX.size)
            return int(_LINUX.unpack(found)[1])
        found = link.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED)
        return int(_MACOS.unpack_from(found)[1])
    except (OSError, struct.error):
        return None
