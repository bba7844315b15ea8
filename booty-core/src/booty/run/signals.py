"""Signals as something the loop can wait for."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booty.run.loop import Loop

__all__ = ["listen", "wakeup"]


def wakeup() -> int:
    """Return a descriptor that can be read after a signal, to be waited for with everything else.

    A signal that comes between the last look at it and a wait is else only seen when the wait is
    over. Who is woken reads it empty.
    """
    read, write = os.pipe()
    for end in (read, write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def listen(loop: Loop, calls: dict[int, Callable[[], None]]) -> None:
    """Call back in the loop when a signal has arrived.

    Args:
        loop: the loop; of the main thread.
        calls: what to call, by signal number.
    """
    receive, send = socket.socketpair()
    receive.setblocking(False)
    send.setblocking(False)
    for number in calls:
        signal.signal(number, lambda *_: None)
        signal.siginterrupt(number, False)
    signal.set_wakeup_fd(send.fileno(), warn_on_full_buffer=False)

    def arrived() -> None:
        with contextlib.suppress(BlockingIOError):
            for number in set(os.read(receive.fileno(), 4096)):
                if number in calls:
                    calls[number]()

    loop.watch(receive.fileno(), arrived)
    _kept.extend((receive, send))


_kept: list[socket.socket] = []
"""The pair must not be collected while the process lives."""
