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
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd: int | None = None
        try:
            self._fd = os.open(path, flags, 0o600)
        except OSError as error:
            complain(f"cannot write events: {error}")

    def tell(self, kind: str, instance: str | None = None, **detail: Any) -> None:
        """Write an event down and pass it on; a full disk costs the line, not the service."""
        at = stamp(self._clock.wall())
        event = {"at": at, "kind": kind, "instance": instance, "detail": detail}
        self.line = _ENCODER.encode(event).encode()
        if self._fd is not None:
            try:
                os.write(self._fd, self.line + b"\n")
            except OSError as error:
                complain(f"cannot write an event: {error}")
        for listener in list(self.listeners):
            listener(event)

    def now(self) -> str:
        """Return the time as events carry it."""
        return stamp(self._clock.wall())
