"""How fetching looks: one line that moves on a terminal, one line an event elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from booty.supervise.screen import Screen

if TYPE_CHECKING:
    from booty.fetch import Progress

__all__ = ["Fetching"]

REDRAW = 0.1
MEGA = 1e6


class Fetching:
    """Tells of fetching, from several threads.

    Args:
        quiet: say nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._screen = Screen(quiet=quiet)
        self._lock = threading.Lock()
        self._begin: dict[str, float] = {}
        self._shown = 0.0
        self._now: dict[str, str] = {}
        self._built: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._screen.end()

    def tell(self, progress: Progress) -> None:
        """Show one thing."""
        with self._lock:
            self._tell(progress)

    def _tell(self, progress: Progress) -> None:
        key = progress.key
        if progress.phase == "refused":
            self._screen.say(f"{key}: not from {progress.source}: {progress.note}")
        elif progress.phase == "warning":
            self._screen.say(f"warning: {key}: {progress.note}")
        elif progress.phase == "done":
            self._now.pop(key, None)
            took = time.monotonic() - self._begin.get(key, time.monotonic())
            self._screen.say(f"{key}: fetched in {took:.2f} s from {progress.note}")
        elif progress.phase == "building" and key not in self._built:
            self._built.add(key)  # minutes go by: somebody without a terminal wants to know, too
            self._screen.say(f"{key}: building {progress.note}, which takes minutes")
        elif progress.phase != "stored":
            self._begin.setdefault(key, time.monotonic())
            self._now[key] = self._words(progress)
            self._draw()

    def _words(self, progress: Progress) -> str:
        if progress.note and progress.phase in {"building", "downloading"}:
            return f"{progress.key} {progress.phase} {progress.note}"
        if progress.phase != "downloading" or not progress.bytes:
            return f"{progress.key} {progress.phase} {progress.source}"
        seconds = max(time.monotonic() - self._begin[progress.key], 1e-3)
        rate = progress.bytes / seconds
        left = f", {(progress.total - progress.bytes) / rate:.0f} s left" if progress.total else ""
        total = f"/{progress.total / MEGA:.1f}" if progress.total else ""
        done = f"{progress.bytes / MEGA:.1f}{total} MB"
        return f"{progress.key} {done}, {rate / MEGA:.1f} MB/s{left}"

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._shown >= REDRAW:
            self._shown = now
            self._screen.status("  ".join(self._now.values()))
