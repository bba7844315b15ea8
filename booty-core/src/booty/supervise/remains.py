"""What is left of an instance whose own process has ended: its descendants, found and ended."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from booty.run import tree
from booty.supervise.complaint import complain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from booty.supervise.holdings import Holdings
    from booty.supervise.unit import Unit

__all__ = ["Trace", "end", "end_left", "end_of", "number", "trace"]

T = TypeVar("T")
LOOK: Final = 0.02
"""Seconds between looks for descendants that outlive the process they come from."""


class Trace(NamedTuple):
    """By what descendants of an instance are known, and how they are asked to end.

    Attributes:
        pid: the session of its own process, which it leads as a rule; ``None`` once the number may
            be another's.
        mark: what stands in their environment, empty if it was never started.
        signal: number of the signal that asks.
        ours: whether what its process leaves becomes a child of guardian or supervisor.
    """

    pid: int | None
    mark: str
    signal: int
    ours: bool

    def is_of(self, session: int, mark: str) -> bool:
        """Tell whether a process with this session and this mark comes from it."""
        return session == self.pid or (mark != "" and mark == self.mark)

    @property
    def sessions(self) -> set[int]:
        """The sessions it may lead."""
        return set() if self.pid is None else {self.pid}


def number(name: str) -> int:
    """Return the number of a signal, of ``"TERM"``."""
    return int(getattr(signal, f"SIG{name}"))


def trace(unit: Unit) -> Trace:
    """Return by what the descendants of an instance are known."""
    pid = None if unit.process is None else unit.process.session
    mark, asks = str(unit.row.get("mark") or ""), number(unit.entry["stop"]["signal"])
    return Trace(pid, mark, asks, unit.ours and tree.REAPS)


async def end(sup: Holdings, traces: Mapping[str, Trace], until: float) -> set[str]:
    """End the descendants of instances whose own processes are gone.

    The program behind a shell is asked like the shell, has the rest of the grace, is then killed.

    Args:
        sup: the supervisor.
        traces: by name of the instance.
        until: the loop's time at which they are killed.

    Returns:
        Names of those of which something had to be killed.
    """
    asked: set[int] = set()
    while found := await _seen(sup, lambda: _left(sup, traces.values())):
        if sup.force.done or sup.loop.now() >= until:
            tree.kill([*found])
            return {name for name, one in traces.items() if _own(one, found)}
        for one in traces.values():
            tree.kill([pid for pid in _own(one, found) if pid not in asked], one.signal)
        asked |= found.keys()
        await sup.loop.first(sup.force, timeout=LOOK)
    return set()


def _left(sup: Holdings, traces: Collection[Trace]) -> dict[int, tuple[int, str]]:
    if all(one.ours for one in traces) and not _orphans(sup):
        return {}  # the usual case, told by two small files
    pids = {pid for one in traces for pid in one.sessions}
    marks = {one.mark for one in traces} - {""}
    return tree.related(pids, marks) if pids or marks else {}


def _own(one: Trace, found: Mapping[int, tuple[int, str]]) -> list[int]:
    return sorted(pid for pid, about in found.items() if one.is_of(*about))


async def end_of(sup: Holdings, unit: Unit, pid: int | None) -> None:
    """End what an instance that ended by itself has left, before it is started again.

    Args:
        sup: the supervisor.
        unit: the instance.
        pid: the process that it was.
    """
    left = trace(unit)._replace(pid=pid)
    await end(sup, {unit.name: left}, sup.loop.now() + float(unit.entry["stop"]["grace"]))


async def end_left(sup: Holdings, unit: Unit, pid: int | None) -> None:
    """End what an instance that is done, or given up, has left; and say how to run such a program.

    Nobody would see that it runs: who goes into the background is done for all that booty knows.

    Args:
        sup: the supervisor.
        unit: the instance.
        pid: the process that it was.
    """
    left = trace(unit)._replace(pid=pid)
    if not await _seen(sup, lambda: _left(sup, [left])):
        return
    message = (
        f"{unit.name} ended and left processes in the background, which are ended too;"
        " run it in the foreground"
    )
    sup.journal.tell("warning", unit.name, message=message)
    await end_of(sup, unit, pid)


async def _seen(sup: Holdings, look: Callable[[], T]) -> T:
    # what cannot be looked for is not gone: where no descriptor is left, it is looked for later
    told = False
    while True:
        try:
            return look()
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
                raise
            if not told:
                complain(f"cannot look for what was left, and will again: {error.strerror}")
            told = True
        await sup.loop.sleep(LOOK)


def _orphans(sup: Holdings) -> set[int]:
    # guardian and supervisor are subreapers: a child of theirs that is no instance's is an orphan
    ours = {os.getpid(), os.getppid()}
    below = {child for pid in ours for child in tree.children(pid)}
    return below - set(sup.by_pid) - ours - sup.workers.pids()
