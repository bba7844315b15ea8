"""TLS over a socket that does not block, for looks: nothing secret is sent, nobody is believed."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from booty.run.loop import Loop

__all__ = ["read", "shaken"]


async def shaken(loop: Loop, link: socket.socket, limit: float) -> ssl.SSLSocket:
    """Return a connected socket with TLS on it, whatever the certificate says.

    Args:
        loop: the loop.
        link: the socket, which belongs to what is returned.
        limit: seconds that each answer may take.

    Raises:
        OSError: the other end does not speak TLS.
        TimeoutError: it does not answer.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.ExitStack() as undo:
        secure = context.wrap_socket(link, do_handshake_on_connect=False)
        undo.callback(secure.close)
        while True:
            try:
                secure.do_handshake()
            except ssl.SSLWantReadError:
                await _ready(loop, secure, limit)
            else:
                undo.pop_all()
                return secure


async def read(loop: Loop, link: socket.socket, limit: float, size: int) -> bytes:
    """Return the next bytes, none at the end; some may have come with those before."""
    while True:
        try:
            return link.recv(size)
        except ssl.SSLWantReadError:
            await _ready(loop, link, limit)


async def _ready(loop: Loop, link: socket.socket, limit: float) -> None:
    if not await loop.ready(link.fileno(), timeout=limit):
        raise TimeoutError
