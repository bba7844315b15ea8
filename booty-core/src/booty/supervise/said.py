"""What a program has said by sd_notify since it was started."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.run.loop import Future, Loop

__all__ = ["Said"]


class Said:
    """The words of one start.

    Args:
        loop: the loop.

    Attributes:
        ready: settled when it said READY=1.
        beat: settled when it says WATCHDOG=1 the next time.
        interval: seconds that it wants between two of them; ``None`` = as declared.
        until: the loop's time until which it asked to be waited for.
        errno: the fault it told of.
        reloading: when its last reload began, on the loop's clock; ``None`` if none did.
        reloaded: settled when that is over.
        stopping: whether it said that it stops.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.ready: Future[None] = loop.future()
        self.beat: Future[None] = loop.future()
        self.interval: float | None = None
        self.until = 0.0
        self.errno: int | None = None
        self.reloading: float | None = None
        self.reloaded: Future[None] = loop.future()
        self.reloaded.set(None)
        self.stopping = False

    def kept(self) -> dict[str, Any]:
        """Return what a successor must know; empty if nothing was said."""
        said = {
            "ready": self.ready.done,
            "interval": self.interval,
            "until": self.until,
            "stopping": self.stopping,
        }
        return {key: value for key, value in said.items() if value}

    def take(self, kept: Mapping[str, Any]) -> None:
        """Take what a predecessor has heard."""
        if kept.get("ready"):
            self.is_ready()
        self.interval = kept.get("interval")
        self.until = float(kept.get("until") or 0.0)
        self.stopping = bool(kept.get("stopping"))

    def begin(self) -> None:
        """Begin another phase: what was asked for in the former one holds no longer."""
        self.until = 0.0

    def beats(self) -> None:
        """Take a WATCHDOG=1."""
        beat, self.beat = self.beat, self._loop.future()
        beat.set(None)

    def extends(self, seconds: float) -> None:
        """Take an EXTEND_TIMEOUT_USEC."""
        self.until = max(self.until, self._loop.now() + seconds)

    def reloads(self, since: float) -> None:
        """Take a RELOADING=1."""
        if self.reloaded.done:
            self.reloaded = self._loop.future()
        self.reloading = since

    def is_ready(self) -> None:
        """Take a READY=1: of a start, or of a reload."""
        self.ready.set(None)
        self.reloaded.set(None)

    async def first(self, *futures: Future[Any], timeout: float) -> Future[Any] | None:
        """Wait like :meth:`booty.run.loop.Loop.first`, longer if the program asks for it."""
        end = self._loop.now() + timeout
        while True:
            left = max(end, self.until) - self._loop.now()
            done = await self._loop.first(*futures, timeout=left)
            if done is not None or max(end, self.until) <= self._loop.now():
                return done

    @property
    def why(self) -> str:
        """The fault it told of, in brackets; empty if it told of none."""
        return "" if self.errno is None else f" (it says: {os.strerror(self.errno)})"
