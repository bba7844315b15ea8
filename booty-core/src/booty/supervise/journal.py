"""Events: written down, and told to whoever listens."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Final

from booty.run.clock import Clock, stamp
from booty.supervise.complaint import complain

__all__ = ["Journal"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


class Journal:
    """Appends events to ``events.jsonl`` and passes them on.

    Args:
        path: the file.
        clock: where the time comes from.

    Attributes:
        listeners: called with each event.
        line: the event that is being told, as JSON.
    """

    def __init__(self, path: str, clock: Clock) -> None:
        self._clock = clock
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        self.line = b""
        self._torn = False
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd: int | None = None
        try:
            self._fd = os.open(path, flags, 0o600)
            self._torn = _is_torn(self._fd)
        except OSError as error:
            complain(f"cannot write events: {error}")

    def tell(self, kind: str, instance: str | None = None, **detail: Any) -> None:
        """Write an event down and pass it on; a full disk costs the line, not the service."""
        at = stamp(self._clock.wall())
        event = {"at": at, "kind": kind, "instance": instance, "detail": detail}
        self.line = _ENCODER.encode(event).encode()
        if self._fd is not None:
            self._write(self._fd)
        for listener in list(self.listeners):
            listener(event)

    def _write(self, fd: int) -> None:
        # of a line that a full disk cut the end is missing: it must not swallow the next one
        data = (b"\n" if self._torn else b"") + self.line + b"\n"
        try:
            written = os.write(fd, data)
        except OSError as error:
            complain(f"cannot write an event: {error}")
        else:
            self._torn = written < len(data)

    def now(self) -> str:
        """Return the time as events carry it."""
        return stamp(self._clock.wall())


def _is_torn(fd: int) -> bool:
    # a loss of power, or a full disk, cut what was written last
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"
