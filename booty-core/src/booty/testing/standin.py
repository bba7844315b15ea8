"""The stand-in: a small real server in the place of a provider's program.

It opens every port it is told of, greets as it is told, answers any HTTP request with 200, says
READY to a notify socket, writes down its arguments, and ends on the first stop signal. What it is
told stands in the variable ``BOOTY_STANDIN`` as JSON: ``listen`` (list of ``[host, port,
greeting]``), ``log`` (a line to print), ``arguments`` (a file to write its arguments to), ``deaf``
(ignores signals), ``mute`` (opens nothing), ``exit`` (ends at once with this code).

Standard library only: it is copied and run by itself.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
from typing import Any

__all__ = ["main"]

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR2, signal.SIGHUP)


class _Server:
    """Listens on all ports with one selector."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.selector = selectors.DefaultSelector()
        for host, port, greeting in [] if told.get("mute") else told.get("listen", []):
            listener = socket.create_server((host, port))
            listener.setblocking(False)
            self.selector.register(listener, selectors.EVENT_READ, greeting)

    def accept(self, key: selectors.SelectorKey) -> None:
        """Greet a new client."""
        listener: Any = key.fileobj
        link, _ = listener.accept()
        link.setblocking(False)
        link.sendall(key.data.encode())
        self.selector.register(link, selectors.EVENT_READ, None)

    def answer(self, key: selectors.SelectorKey) -> None:
        """Answer an HTTP request, let everything else pass, close at the end."""
        link: Any = key.fileobj
        try:
            asked = link.recv(65536)
            if asked.startswith((b"GET ", b"HEAD ")):
                link.sendall(_ANSWER)
                asked = b""
        except OSError:
            asked = b""  # the client is gone; nothing to tell it
        if not asked:
            self.selector.unregister(link)
            link.close()

    def serve(self) -> None:
        """Serve until a signal ends the process."""
        while True:
            for key, _ in self.selector.select():
                (self.answer if key.data is None else self.accept)(key)


def _end(number: int, _frame: object) -> None:
    os.write(1, f"stand-in: ended by signal {number}\n".encode())
    os._exit(0)


def _tell_ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b"READY=1", address.replace("@", "\0", 1))


def main() -> None:
    """Do as told."""
    told = json.loads(os.environ.get("BOOTY_STANDIN", "{}"))
    if "exit" in told:
        os.write(1, b"stand-in: told to end at once\n")
        sys.exit(told["exit"])
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN if told.get("deaf") else _end)
    if told.get("arguments"):
        with open(told["arguments"], "w", encoding="utf-8") as file:  # noqa: PTH123 - starts faster
            json.dump(sys.argv, file)
    server = _Server(told)
    os.write(1, f"stand-in: {told.get('log', 'listening')}\n".encode())
    if not told.get("mute"):
        _tell_ready()
    server.serve()


if __name__ == "__main__":
    main()
