"""What is left of an instance whose own process has ended: its descendants, found and ended."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, Final, TypeVar

from booty.run import claim, identity, tree
from booty.run.ports import command_of
from booty.supervise import roles
from booty.supervise.complaint import complain
from booty.supervise.traces import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from booty.supervise.holdings import Holdings
    from booty.supervise.unit import Unit

__all__ = ["Trace", "end", "end_holders", "end_left", "end_of", "end_orphans", "number", "trace"]

T = TypeVar("T")
About = tuple[int, str, str]
"""By what a process is known: its session, its mark, the lock it holds; 0, empty = not by it."""
LOOK: Final = 0.02
"""Seconds between looks for descendants that outlive the process they come from."""


def number(name: str) -> int:
    """Return the number of a signal, of ``"TERM"``."""
    return int(getattr(signal, f"SIG{name}"))


def trace(sup: Holdings, unit: Unit) -> Trace:
    """Return by what the descendants of an instance are known."""
    pid = None if unit.process is None else unit.process.session
    mark, asks = str(unit.row.get("mark") or ""), number(unit.entry["stop"]["signal"])
    lock = f"{sup.values.data(unit.name)}/{claim.NAME}"
    return Trace(unit.name, pid, mark, asks, unit.ours and tree.REAPS, lock)


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


def _left(sup: Holdings, traces: Collection[Trace]) -> dict[int, About]:
    if all(one.ours for one in traces) and not _orphans(sup):
        return {}  # the usual case, told by two small files
    pids = {pid for one in traces for pid in one.sessions}
    marks = {one.mark for one in traces} - {""}
    related = tree.related(pids, marks) if pids or marks else {}
    # who left its session and cleared its environment may still have what it was given
    locks = claim.inherited([one.lock for one in traces if _is_its(sup, one)])
    every = {*related, *locks}
    return {pid: (*related.get(pid, (0, "")), locks.get(pid, "")) for pid in every}


def _is_its(sup: Holdings, one: Trace) -> bool:
    # by a link it may be the folder of another stack, whose program runs on it
    owner = claim.owner_of(one.lock)
    return (owner.get("stack"), owner.get("instance")) == (sup.stack_id, one.name)


def _own(one: Trace, found: Mapping[int, About]) -> list[int]:
    return sorted(pid for pid, about in found.items() if one.is_of(*about))


async def end_of(sup: Holdings, unit: Unit, pid: int | None) -> None:
    """End what an instance that ended by itself has left, before it is started again.

    Args:
        sup: the supervisor.
        unit: the instance.
        pid: the process that it was.
    """
    left = trace(sup, unit)._replace(pid=pid)
    await end(sup, {unit.name: left}, sup.loop.now() + float(unit.entry["stop"]["grace"]))


async def end_left(sup: Holdings, unit: Unit, pid: int | None) -> None:
    """End what an instance that is done, or given up, has left; and say how to run such a program.

    Nobody would see that it runs: who goes into the background is done for all that booty knows.

    Args:
        sup: the supervisor.
        unit: the instance.
        pid: the process that it was.
    """
    left = trace(sup, unit)._replace(pid=pid)
    if not await _seen(sup, lambda: _left(sup, [left])):
        return
    message = (
        f"{unit.name} ended and left processes in the background, which are ended too;"
        " run it in the foreground"
    )
    sup.journal.tell("warning", unit.name, message=message)
    await end_of(sup, unit, pid)


async def end_holders(sup: Holdings, unit: Unit) -> None:
    """End what an earlier run of an instance has left on its data folder, which is told.

    Args:
        sup: the supervisor.
        unit: the instance; it does not run.
    """
    left = trace(sup, unit)._replace(pid=None, ours=False)
    found = await _seen(sup, lambda: _left(sup, [left]))
    if found:
        message = f"{unit.name}: what an earlier run left is ended: {_words(found)}"
        sup.journal.tell("warning", unit.name, message=message)
        await end(sup, {unit.name: left}, sup.loop.now() + float(unit.entry["stop"]["grace"]))


async def end_orphans(sup: Holdings, grace: float) -> None:
    """End what is left below us when all instances have ended: it hid whose it is, which is told.

    Args:
        sup: the supervisor.
        grace: seconds until what does not end is killed.
    """
    asked: set[int] = set()
    until = sup.loop.now() + grace
    while found := await _seen(sup, lambda: _strangers(sup)):
        if new := found - asked:
            message = f"what is left of services that cannot be told apart is ended: {_words(new)}"
            sup.journal.tell("warning", None, message=message)
        if sup.force.done or sup.loop.now() >= until:
            tree.kill([*found])
        else:
            tree.kill([*new], signal.SIGTERM)
        asked |= found
        await sup.loop.first(sup.force, timeout=LOOK)


def _words(pids: Iterable[int]) -> str:
    return ", ".join(f'pid {pid} "{command_of(pid)}"' for pid in sorted(pids))


def _strangers(sup: Holdings) -> set[int]:
    found: set[int] = set()
    if not roles.plays(os.getppid()):
        return found  # the guardian has just died: above us is who takes all orphans of the machine
    for pid in _orphans(sup):
        stat = identity.stat(pid)
        if stat is not None and stat.state not in {"Z", "X"} and not roles.plays(pid):
            found.add(pid)
    return found


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
