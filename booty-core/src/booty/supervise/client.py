"""Talk to the supervisor of a stack: a blocking connection."""

from __future__ import annotations

import collections
import contextlib
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any, Final, Self

from booty import __version__
from booty.run import locks, runtime
from booty.supervise import state, wire
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Connection", "ControlError", "connect", "reach", "wait_until_left"]

_CHUNK: Final = 65536
_NOT_RUNNING: Final = "not-running"
_LOST: Final = "connection-lost"
_TRIES: Final = 3
"""So many supervisors in a row may die in the middle of a hello."""
_LOOK: Final = 0.002
"""Seconds between looks at the guardian's lock, which cannot be waited for."""


def _lost() -> ControlError:
    return ControlError.of(
        "cannot talk to the supervisor: the connection was closed",
        reference=_LOST,
        hint="booty ps",
    )


class Connection:
    """A connection to a supervisor that has been told hello.

    Args:
        sock: a connected stream socket.

    Attributes:
        hello: what the supervisor said to :meth:`greet`: ``protocol stack pid version``.

    Raises:
        ControlError: it hung up.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._feed = wire.Feed()
        self._frames: collections.deque[dict[str, Any]] = collections.deque()
        self._last = 0
        self.hello: dict[str, Any] = {}
        hello = {"protocols": list(wire.PROTOCOLS), "client": f"booty {__version__}"}
        self._write(wire.pack({"hello": hello}), ())

    def greet(self, timeout: float | None) -> None:
        """Wait for the supervisor's hello; once, before anything is asked.

        Args:
            timeout: seconds that it may take.

        Raises:
            ControlError: no common protocol, no answer in time, or it hung up.
        """
        answer = self.receive(timeout)
        if answer is None:
            raise ControlError.of(
                f"cannot talk to the supervisor: no answer within {timeout} s",
                reference="supervisor-silent",
                status=10,
                hint="booty ps",
            )
        if "error" in answer:
            raise ControlError(answer["error"])
        self.hello = dict(answer["hello"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. What was asked for goes on."""
        self._sock.close()

    def interrupt(self) -> None:
        """End a wait that goes on in another thread; nothing more can be asked."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def fileno(self) -> int:
        """Return the descriptor, for a selector; :attr:`pending` may hold frames already read."""
        return self._sock.fileno()

    @property
    def pending(self) -> bool:
        """Whether a frame can be had without waiting."""
        return bool(self._frames)

    def send(self, do: str, *, fds: Sequence[int] = (), **fields: Any) -> int:
        """Ask for something without waiting for the answer.

        Args:
            do: the verb (docs/reference/control-protocol.md).
            fds: descriptors that go with it.
            **fields: the verb's arguments.

        Returns:
            The number that the answer will carry as ``id``.

        Raises:
            ControlError: the connection is gone.
        """
        self._last += 1
        self._write(wire.pack({"id": self._last, "do": do, **fields}), fds)
        return self._last

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """Return the next frame, an answer or an event.

        Args:
            timeout: seconds to wait; ``None`` for ever, 0 to take only what is there.

        Returns:
            The frame; ``None`` if the time is over.

        Raises:
            ControlError: the supervisor hung up (``connection-lost``) or sent nonsense.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self._frames:
            left = None if end is None else max(0.0, end - time.monotonic())
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(_CHUNK)
            except (TimeoutError, BlockingIOError):
                return None
            except OSError as error:
                raise _lost() from error
            self._take(data)
        return self._frames.popleft()

    def _take(self, data: bytes) -> None:
        if not data:
            raise _lost()
        try:
            self._frames.extend(self._feed.add(data))
        except wire.WireError as error:
            raise ControlError.of(
                f"cannot understand the supervisor: {error}",
                reference="bad-answer",
                hint="booty ps",
            ) from error

    def request(
        self,
        do: str,
        *,
        fds: Sequence[int] = (),
        timeout: float | None = None,
        meanwhile: Callable[[], object] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Ask for something and wait for the answer; events meanwhile are kept for :meth:`events`.

        Args:
            do: the verb.
            fds: descriptors that go with it.
            timeout: seconds to wait for the answer, ``None`` for ever.
            meanwhile: called as soon as it was asked for.
            **fields: the verb's arguments; a verb's own time limit is the field ``limit``.

        Returns:
            What stands under ``ok``.

        Raises:
            ControlError: the supervisor refused, hung up, or gave no answer in time
                (``supervisor-silent``).
        """
        number = self.send(do, fds=fds, **fields)
        if meanwhile is not None:
            meanwhile()
        answer = self._await(number, timeout)
        if "error" in answer:
            raise ControlError(answer["error"])
        return dict(answer["ok"])

    def _await(self, number: int, timeout: float | None) -> dict[str, Any]:
        end = None if timeout is None else time.monotonic() + timeout
        others: list[dict[str, Any]] = []
        try:
            while True:
                left = None if end is None else max(0.0, end - time.monotonic())
                frame = self.receive(left)
                if frame is None:
                    raise ControlError.of(
                        f"cannot get an answer from the supervisor within {timeout} s",
                        reference="supervisor-silent",
                        status=10,
                        hint="booty ps",
                    )
                if frame.get("id") == number:
                    return frame
                others.append(frame)
        finally:
            self._frames.extendleft(reversed(others))

    def events(self, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """Yield events as they come; call ``request("subscribe")`` before.

        Args:
            timeout: seconds to wait for the next one; the iterator ends when they pass.

        Raises:
            ControlError: the supervisor hung up.
        """
        while (frame := self.receive(timeout)) is not None:
            if "event" in frame:
                yield frame["event"]

    def _write(self, data: bytes, fds: Sequence[int]) -> None:
        self._sock.settimeout(None)
        try:
            # descriptors travel with the first byte
            sent = socket.send_fds(self._sock, [data], list(fds)) if fds else 0
            self._sock.sendall(data[sent:])
        except OSError as error:
            raise _lost() from error


def control_path(state_dir: str | os.PathLike[str]) -> str | None:
    """Return where a stack's control socket is, ``None`` if nothing is known of it."""
    folder = state.Folder(state_dir)
    place = (state.quiet(folder.stack) or {}).get("runtime")
    named = {} if place else state.quiet(folder.path("id")) or {}
    if "id" in named:  # nothing was written yet, or what was written is damaged
        place = runtime.find(str(named["id"]), dict(os.environ))
    return f"{place}/control.sock" if place else None


def connect(state_dir: str | os.PathLike[str], timeout: float | None = 5.0) -> Connection:
    """Connect to the supervisor that watches a stack.

    Args:
        state_dir: the stack's state folder.
        timeout: seconds the hello may take.

    Raises:
        ControlError: nobody watches it (``not-running``), no common protocol, or the folder is a
            copy of one that is watched (``copied-stack``).
    """
    link = reach(control_path(state_dir), timeout)
    try:
        _refuse_copy(state.Folder(state_dir))
    except BaseException:
        link.close()
        raise
    return link


def reach(path: str | None, timeout: float | None = 5.0) -> Connection:
    """Connect to the supervisor that listens on a socket.

    Args:
        path: the socket; ``None`` if none is known.
        timeout: seconds the hello may take.

    Raises:
        ControlError: nobody listens (``not-running``), or no common protocol.
    """
    for _ in range(_TRIES - 1):
        try:
            return _reach(path, timeout)
        except ControlError as error:
            if error.reference != _LOST:
                raise
        # it was killed before it said hello: the guardian keeps the socket for its successor
    return _reach(path, timeout)


def _reach(path: str | None, timeout: float | None) -> Connection:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path is None:
            raise FileNotFoundError  # noqa: TRY301 - the same answer as for a missing socket
        sock.connect(path)
        link = Connection(sock)
        link.greet(timeout)
    except OSError as error:
        sock.close()
        raise ControlError.of(
            "cannot reach a supervisor: none runs for this stack",
            reference=_NOT_RUNNING,
            status=10,
            hint="booty up -d",
        ) from error
    except BaseException:
        sock.close()
        raise
    return link


def wait_until_left(state_dir: str | os.PathLike[str], link: Connection, timeout: float) -> None:
    """Wait until supervisor and guardian have left after their report.

    Who comes next must find neither of them, or it would hand its plan to one that leaves.

    Args:
        state_dir: the stack's state folder.
        link: the connection that the report came by.
        timeout: seconds that they may take.
    """
    end = time.monotonic() + timeout
    try:
        while link.receive(max(0.0, end - time.monotonic())) is not None:
            pass  # events that were still on their way
    except ControlError:
        pass  # it hung up, as it should
    lock = state.Folder(state_dir).lock
    while locks.held(lock) and time.monotonic() < end:
        select.select([], [], [], _LOOK)


def _refuse_copy(folder: state.Folder) -> None:
    # who answers holds the lock of its own folder: a moved one still, a copy never
    if not locks.held(folder.lock):
        raise ControlError.of(
            f'cannot use "{folder.root}": it is a copy of a stack that runs elsewhere',
            reference="copied-stack",
            status=10,
            subject=folder.root,
            hint=f"rm {folder.path('id')} {folder.stack} to make it a stack of its own",
        )
