"""How fetching looks: one line that moves on a terminal, one line an event elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

from booty.cli.rates import Download
from booty.supervise.screen import Screen

if TYPE_CHECKING:
    from booty.fetch import Progress

__all__ = ["Fetching"]

REDRAW: Final = 0.1
"""Seconds between two looks of the line that moves."""
EVERY: Final = 10.0
"""Seconds between two lines about a download where nothing moves."""


class Fetching:
    """Tells of fetching, from several threads.

    Args:
        quiet: say nothing.
        screen: where to; by default stderr.
        now: the clock, in seconds.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        screen: Screen | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._screen = screen or Screen(quiet=quiet)
        self._clock = now
        self._lock = threading.Lock()
        self._begin: dict[str, float] = {}
        self._shown = 0.0
        self._other: dict[str, str] = {}
        self._downloads: dict[str, Download] = {}
        self._told: dict[str, float] = {}
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
        key, now = progress.key, self._clock()
        if progress.phase == "stored":
            return
        if progress.phase in _SAID:
            self._screen.say(_SAID[progress.phase](progress))
            return
        self._begin.setdefault(key, now)
        if progress.phase == "done":
            self._forget(key)
            self._screen.say(
                f"{key}: fetched in {now - self._begin[key]:.2f} s from {progress.note}"
            )
            return
        if progress.phase == "building" and key not in self._built:
            self._built.add(key)  # minutes go by: somebody without a terminal wants to know, too
            self._screen.say(f"{key}: building {progress.note}, which takes minutes")
        if progress.phase == "downloading" and progress.bytes:
            self._download(progress, now)
        else:
            self._forget(key)
            self._other[key] = f"{key} {progress.phase} {progress.note or progress.source}"
        self._draw(now)

    def _forget(self, key: str) -> None:
        self._other.pop(key, None)
        self._downloads.pop(key, None)

    def _download(self, progress: Progress, now: float) -> None:
        key = progress.key
        self._other.pop(key, None)
        one = self._downloads.get(key)
        if one is None:  # what was there before did not come now: it counts for no rate
            one = self._downloads[key] = Download(now, progress.bytes)
        one.add(progress, now)
        if not self._screen.live and now - self._told.setdefault(key, self._begin[key]) >= EVERY:
            self._told[key] = now
            self._screen.say(f"{key}: {Download.words([one])}")

    def _draw(self, now: float) -> None:
        if now - self._shown >= REDRAW:
            self._shown = now
            self._screen.status("  ".join([*self._together(), *self._other.values()]))

    def _together(self) -> list[str]:
        if not self._downloads:
            return []
        names = list(self._downloads)
        what = names[0] if len(names) == 1 else f"{len(names)} programs"
        beside = f" ({', '.join(names)})" if len(names) > 1 else ""
        return [f"{what} {Download.words(self._downloads.values())}{beside}"]


_SAID: Final[dict[str, Callable[[Progress], str]]] = {
    "refused": lambda one: f"{one.key}: not from {one.source}: {one.note}",
    "warning": lambda one: f"warning: {one.key}: {one.note}",
    "retrying": lambda one: f"{one.key}: {one.note}",
}
