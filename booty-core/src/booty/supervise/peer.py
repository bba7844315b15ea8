"""The supervisor's end of a connection: frames in, frames and events out, never blocked."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Final

from booty.supervise import wire
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from booty.run.loop import Loop

__all__ = ["Peer"]

CHUNK: Final = 65536
MOST_FDS: Final = 4
"""Descriptors that may wait for the request that takes them; none takes more than one."""
BACKLOG: Final = 8 << 20
"""Bytes that a listener may be behind before it is dropped."""


class Peer:
    """A client on the other side of one connection.

    Args:
        loop: the loop.
        link: the connection.
        take: takes each of its frames.
        gone: told when it has hung up, or was hung up on.

    Attributes:
        fds: descriptors that came and that nobody has taken yet.
        greeted: whether the protocol number is settled.
        subscribed: whether it wants to be told of events.
    """

    def __init__(
        self,
        loop: Loop,
        link: socket.socket,
        take: Callable[[Peer, dict[str, Any]], None],
        gone: Callable[[Peer], None],
    ) -> None:
        self._loop = loop
        self._take_frame = take
        self._gone = gone
        self.link = link
        self.feed = wire.Feed()
        self.out = bytearray()
        self.fds: list[int] = []
        self.greeted = False
        self.subscribed = False
        self.blocked = False
        link.setblocking(False)
        loop.watch(link.fileno(), self.hear)

    def hear(self) -> None:
        """Take what has come; a client that hung up, or talks nonsense, is forgotten."""
        try:
            data, fds, _, _ = socket.recv_fds(self.link, CHUNK, 4)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        for fd in fds:
            os.set_inheritable(fd, False)
        self.fds += fds
        if not data:
            self.close()
            return
        try:
            self._take(data)
        except wire.WireError as error:
            fault = ControlError.of(str(error), reference="bad-frame", status=2)
            self.say({"error": fault.data})
            self.close()

    def _take(self, data: bytes) -> None:
        for frame in self.feed.add(data):
            self._take_frame(self, frame)
        if len(self.fds) > MOST_FDS:
            raise wire.WireError(f"cannot take {len(self.fds)} descriptors: nothing asks for them")

    def say(self, frame: dict[str, Any]) -> None:
        """Send a frame; see :meth:`send`."""
        self.send(wire.pack(frame))

    def send(self, data: bytes) -> None:
        """Send a packed frame before the loop waits again; one that is far behind is dropped."""
        if self.link.fileno() < 0:
            return
        self.out += data
        if len(self.out) > BACKLOG:
            self.flush()
        if len(self.out) > BACKLOG:
            self.close()

    def flush(self) -> None:
        """Send what can be sent at once; the rest goes when there is room."""
        if not self.out or self.link.fileno() < 0:
            return
        try:
            while self.out:
                del self.out[: self.link.send(self.out)]
        except BlockingIOError:
            # one descriptor has one watch: until it has taken all, it is not listened to
            self.blocked = True
            self._loop.watch(self.link.fileno(), self.flush, write=True)
        except OSError:
            self.close()
        else:
            if self.blocked:
                self.blocked = False
                self._loop.watch(self.link.fileno(), self.hear)

    def close(self) -> None:
        """Hang up."""
        if self.link.fileno() >= 0:
            if self.out:
                with contextlib.suppress(OSError):  # what was said last; who has gone reads nothing
                    self.link.send(self.out)
            self._loop.unwatch(self.link.fileno())
            self.link.close()
        for fd in self.fds:
            os.close(fd)
        self.fds.clear()
        self._gone(self)
