"""A small server that listens, answers /health, and ends as it is told.

Arguments: a name, a port, then ``KEY=VALUE``: ``deaf=1`` does not hear TERM, ``hang=S`` takes so
long to end, ``slow=S`` so long to listen, ``child=1`` leaves a child in a session of its own,
``after=S`` ends after so many seconds with ``code=N``, ``lines=N`` says so much before. It notes in
``$ROOT/notes`` what it does, so that the order of several can be seen.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time

NAME, PORT = sys.argv[1], int(sys.argv[2])
OPTIONS = dict(word.split("=", 1) for word in sys.argv[3:])
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


def note(word: str) -> None:
    """Append a line, whole."""
    with open(f"{os.environ['ROOT']}/notes", "a") as file:
        file.write(f"{NAME} {word}\n")


def wait(seconds: float) -> None:
    """Let time pass; a signal is heard meanwhile."""
    select.select([], [], [], seconds)


def asked_to_end(number: int, _: object) -> None:
    """Note which signal it was, and end."""
    note(signal.Signals(number).name)
    wait(float(OPTIONS.get("hang", 0)))
    note("bye")
    os._exit(0)


def answer(server: socket.socket) -> None:
    """Keep what is put; answer anything else."""
    link = server.accept()[0]
    words = link.recv(4096).split()
    if words[:1] == [b"PUT"]:
        with open(f"{os.environ['DATA']}/kept", "ab") as file:
            file.write(words[1] + b"\n")
    link.sendall(BODY)
    link.close()


def main() -> None:
    """Serve until told otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in OPTIONS else asked_to_end)
    note("begins")  # only now: who waits for it may ask it to end
    if "child" in OPTIONS:
        subprocess.Popen(["sleep", "3000"], start_new_session=True)
    wait(float(OPTIONS.get("slow", 0)))
    server = socket.create_server(("127.0.0.1", PORT))
    note("listens")
    for number in range(int(OPTIONS.get("lines", 0))):
        print(f"line {number} of {NAME}", flush=True)
    end = time.monotonic() + float(OPTIONS.get("after", "inf"))
    while (left := end - time.monotonic()) > 0:
        if select.select([server], [], [], min(left, 3600.0))[0]:
            answer(server)
    os._exit(int(OPTIONS.get("code", 0)))


main()
