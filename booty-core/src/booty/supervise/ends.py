"""How processes ended: reaped here, or told by the guardian; unknown where nobody could."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Final

from booty.run import reaping
from booty.run.process import STARTED, Exit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.run.loop import Loop
    from booty.supervise.unit import Unit

__all__ = ["Ends", "accepted"]

WORD: Final = 0.5
"""Seconds to wait for the guardian's word on a process that may be its child."""


class Ends:
    """Collects ends of processes.

    Args:
        loop: the loop.
        known: ends that the guardian told of at the start, by process number.
        by_pid: instances by process number.
    """

    def __init__(self, loop: Loop, known: Mapping[int, Exit], by_pid: Mapping[int, Unit]) -> None:
        self._loop = loop
        self._known = dict(known)
        self._by_pid = by_pid
        self._news = loop.future()
        self._left: set[int] = set()

    def moved(self, pid: int, group: int) -> None:
        """Let the group of a process go on when it ends: another one took its place.

        Args:
            pid: the process.
            group: the group that the other one is in.
        """
        self._left |= {pid, group}

    def told(self, pid: int, ended: Exit) -> None:
        """Take an end that somebody else saw."""
        self._known[pid] = ended
        news, self._news = self._news, self._loop.future()
        news.set(None)

    def pop(self, pid: int) -> Exit | None:
        """Return an end that is known already."""
        return self._known.pop(pid, None)

    def known(self) -> list[tuple[int, int | None, int | None]]:
        """Return what nobody has asked for yet: process number, code, signal."""
        return [(pid, *ended) for pid, ended in self._known.items()]

    def reap(self) -> None:
        """Collect our own children that have ended."""
        for call in self._loop.before_end:
            call()
        while True:
            pid = reaping.ended()
            if pid is None:
                return
            if self._takes_its_group(pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)  # while the number is still its own
            self._left.discard(pid)
            STARTED.discard(pid)
            _, status = os.waitpid(pid, os.WNOHANG)
            self._known[pid] = Exit.of(status)

    def _takes_its_group(self, pid: int) -> bool:
        # an orphan does not: it may have led the group that a daemon goes on in
        unit = self._by_pid.get(pid)
        ours = pid in STARTED if unit is None else not unit.stopping
        return ours and pid not in self._left

    async def of(self, pid: int, parent: int) -> Exit:
        """Return how a process ended.

        Args:
            pid: a process that is gone.
            parent: whose child it was; the guardian is waited for only if it was its own.

        Returns:
            Its end; unknown if nobody can tell.
        """
        self.reap()
        end = self._loop.now() + WORD
        while pid not in self._known:
            if parent not in {os.getpid(), os.getppid()}:
                return Exit()
            if await self._loop.first(self._news, timeout=end - self._loop.now()) is None:
                return Exit()
        return self._known.pop(pid)


def accepted(unit: Unit, ended: Exit) -> bool:
    """Tell whether an end counts as clean; an unknown one does not."""
    codes = set(unit.entry["exit_codes"])
    return ended.code in codes or (ended.signal is not None and -ended.signal in codes)
