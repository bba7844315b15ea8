"""A program that says by sd_notify what it is told to, a line at a time, by a file that grows.

``notifier.py FILE``: of each line of FILE, ``say A=1 B=2`` is sent as one message, ``exit N`` ends
it, ``child`` starts one that goes on in its place, ``deaf`` ignores TERM.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from pathlib import Path


def tell(text: str) -> None:
    """Write a line to the log."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say(words: list[str]) -> None:
    """Send one message."""
    now = str(time.monotonic_ns() // 1000)
    text = "\n".join(words).replace("@now", now).replace("@pid", str(os.getpid()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def child(words: list[str]) -> None:
    """Let a child go on and end."""
    if os.fork():
        signal.pause()
    if "setsid" in words:
        os.setsid()
    parent = os.getppid()
    say(["MAINPID=@pid", "READY=1"])
    os.kill(parent, signal.SIGKILL)


def do(line: str) -> None:
    """Do what a line says."""
    tell(line.strip())
    verb, *words = line.split()
    if verb == "say":
        say(words)
    elif verb == "child":
        child(words)
    elif verb == "exit":
        sys.exit(int(words[0]))
    elif verb == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def main() -> None:
    """Do what is in the file, and what comes."""
    names = ("WATCHDOG_USEC", "WATCHDOG_PID")
    tell(" ".join(f"{name}={os.environ.get(name)}" for name in names))
    tell(f"pid={os.getpid()}")
    with Path(sys.argv[1]).open(encoding="ascii") as file:
        while True:
            for line in file:
                do(line)
            select.select([], [], [], 0.01)


main()
