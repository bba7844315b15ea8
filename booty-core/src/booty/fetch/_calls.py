"""Answers of servers that are under way: broken off when who asked waits no longer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ["break_off", "heard", "under_way"]

_lock = threading.Lock()
_answers: set[httpx.Response] = set()
_waits: set[threading.Event] = set()


def break_off() -> None:
    """Break off whatever is under way: who reads is at the end, who waits for a head goes on."""
    with _lock:
        for event in _waits:
            event.set()
        for answer in _answers:
            link = answer.extensions.get("network_stream")
            found = link.get_extra_info("socket") if link is not None else None
            if isinstance(found, socket.socket):
                with suppress(OSError):
                    # that of TLS would take its state from under who reads
                    socket.socket.shutdown(found, socket.SHUT_RDWR)


@contextmanager
def under_way(answer: httpx.Response) -> Iterator[None]:
    """Have an answer broken off by :func:`break_off` while its body is read."""
    with _lock:
        _answers.add(answer)
    try:
        yield
    finally:
        with _lock:
            _answers.discard(answer)


def heard(event: threading.Event, seconds: float) -> None:
    """Wait for an event, at most some seconds, and until :func:`break_off`."""
    with _lock:
        _waits.add(event)
    try:
        event.wait(seconds)
    finally:
        with _lock:
            _waits.discard(event)
