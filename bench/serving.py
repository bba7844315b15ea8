"""A server that costs next to nothing: it sends one file for every path, by sendfile.

``serving.py FILE`` prints its port, and ends with its standard input.
"""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

HEAD = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n'


def serve(peer: socket.socket, file: Path) -> None:
    """Answer the requests of one connection."""
    size, kept = file.stat().st_size, b""
    with peer:
        while True:
            while b"\r\n\r\n" not in kept:
                if not (data := peer.recv(65536)):
                    return
                kept += data
            request, _, kept = kept.partition(b"\r\n\r\n")
            try:
                peer.sendall(HEAD % size)
                if request.startswith(b"GET"):
                    with file.open("rb") as opened:
                        peer.sendfile(opened)
            except OSError:
                return


def main(file: Path) -> None:
    """Accept until standard input ends."""
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            threading.Thread(target=serve, args=(server.accept()[0], file), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
