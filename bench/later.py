"""Becomes ready in one of the ways that can be looked at, 200 ms after the start of its shell.

``T=$(date +%s.%N); exec python -I -S later.py KIND WHERE $T``
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

SECONDS = 0.2


def _serve(port: str, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", int(port))) as server:
        while True:
            with server.accept()[0] as link:
                if answer:
                    link.recv(4096)
                    link.sendall(answer)


def main() -> None:
    """Wait for the rest of the time, be ready, stay."""
    kind, where, begun = sys.argv[1:]
    threading.Event().wait(float(begun) + SECONDS - time.time())
    if kind == "tcp":
        _serve(where, b"")
    elif kind == "http":
        _serve(where, b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    elif kind == "notify":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    elif kind == "log":
        sys.stdout.write("up\n")
        sys.stdout.flush()
    else:
        with open(where, "x"):  # noqa: PTH123 - nothing is imported that need not be
            pass
    signal.pause()


main()
