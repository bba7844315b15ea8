"""A successor finds what its predecessor left: by saved identity, and by the mark of an intent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.run import identity, tree
from booty.run.claim import Claim
from booty.run.process import Exit, Process
from booty.supervise import former, living, remains, sheets, stopping, tasks, watching
from booty.supervise.closure import closure
from booty.supervise.unit import Unit, blank
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.supervisor import Supervisor

__all__ = ["Found", "adopt", "end", "go_on"]

WAS_UP = frozenset({"starting", "bootstrapping", "ready", "degraded", "stopping", "backoff",
                    "configured"})  # fmt: skip

DOWN = frozenset({"absent", "fetched", "stopped"})
WAITS = frozenset({"configured", "backoff"})
"""States in which an instance has no process yet and is to have one."""


class Found:
    """What a predecessor left.

    Attributes:
        watched: instances that run, to be watched on.
        waiting: those that were to be started again by their policy, now or later.
        wanted: those that do not run and are to be started as if for the first time.
        stopped: those that were being stopped.
        judged: those that ended while nobody watched, with their ends.
    """

    def __init__(self) -> None:
        self.watched: list[Unit] = []
        self.waiting: list[Unit] = []
        self.wanted: list[Unit] = []
        self.stopped: list[Unit] = []
        self.judged: list[tuple[Unit, Exit]] = []


def adopt(sup: Supervisor) -> Found:
    """Build the units of the current sheet from their state files; take their processes over.

    Nothing is restarted here. A process that is gone is judged by its exit if the guardian knows
    it, else it counts as an unknown one.
    """
    found = Found()
    saved, before = sup.rows.take_found(), former.entries(sup)
    for entry in sup.sheet.get("instances", ()):
        row = saved.get(entry["name"])
        held = former.held(entry, before.get(entry["name"]), row)
        unit = Unit(sup.loop, sup.rows, sup.journal, held, row)
        sup.add(unit)
        if row is not None:
            _warn_of_a_cut(sup, row)
            _find(sup, unit, found)
        elif sup.wants(unit.name):
            found.wanted.append(unit)
    return found


def _warn_of_a_cut(sup: Supervisor, row: dict[str, Any]) -> None:
    if "format" not in row:
        name = row["instance"]
        sup.journal.tell("warning", name, message=f"the state of {name} was cut; looked for")


def _find(sup: Supervisor, unit: Unit, found: Found) -> None:
    row = unit.row
    unit.row = row = {**blank(unit.name), **row}
    process = _process(sup, row)
    if process is not None:
        _take(sup, unit, process, found)
    elif unit.external and row["state"] in WAS_UP:
        unit.ever_ready = True
        row["state"] = "stopped"
        found.wanted.append(unit)
    elif row["state"] in WAS_UP:
        _gone(sup, unit, found)
    elif row["state"] in DOWN and row["reason"] != "reboot" and sup.wants(unit.name):
        found.wanted.append(unit)  # in the middle of a restart


def _process(sup: Supervisor, row: dict[str, Any]) -> Process | None:
    pid = row.get("pid")
    if pid and (row.get("boot"), row.get("pidns")) == (
        identity.boot_id(),
        identity.pid_namespace(),
    ):
        try:
            return Process(sup.loop, pid, row["start"])
        except ProcessLookupError:
            return None  # any other fault is ours: what runs must not be taken for gone
    mark = row.get("mark")
    if not pid and mark and (row["state"] in WAS_UP or row.get("reason")):
        found = tree.marked(mark)
        if found is not None:
            try:
                return Process(sup.loop, found)
            except ProcessLookupError:
                return None
    return None


def _take(sup: Supervisor, unit: Unit, process: Process, found: Found) -> None:
    unit.has(process)
    if unit.row["digest"] is None:
        # its state file was lost: it was started from the sheet that holds
        unit.note(digest=unit.entry["digest"], inputs=unit.entry["inputs"])
    sup.by_pid[process.pid] = unit
    unit.said.take(unit.row.get("said") or {})
    unit.claim = Claim.of_running(sup.values.data(unit.name))
    was = unit.row["state"]
    if was == "stopping" or sup.unwanted(unit.name):
        found.stopped.append(unit)
        return
    if was in {"ready", "degraded"}:
        unit.ever_ready = True
    else:
        unit.row["state"] = "starting"  # in the middle of a start: its probe decides
    found.watched.append(unit)


def _gone(sup: Supervisor, unit: Unit, found: Found) -> None:
    row = unit.row
    rebooted = row.get("boot") not in {None, identity.boot_id()}
    pid = row.get("pid")
    ended = sup.ends.pop(pid) if pid else None
    row |= {"pid": None, "start": None, "health": None}
    if ended is not None:
        row["exit"] = _as_row(ended)
    unit.note()
    if row["state"] == "stopping" and not rebooted:
        found.stopped.append(unit)  # its descendants may still be there
    elif rebooted or not _judged(sup, unit, found, ended, spawned=bool(pid)):
        row["state"] = "stopped"
        row["reason"] = "reboot" if rebooted else "ended while nobody watched"
        if not rebooted and sup.wants(unit.name):
            found.wanted.append(unit)


def _as_row(ended: Exit) -> dict[str, Any]:
    return {"code": ended.code, "signal": ended.signal, "forced": False}


def _judged(
    sup: Supervisor, unit: Unit, found: Found, known: Exit | None, *, spawned: bool
) -> bool:
    # tells whether it is gone on with where its predecessor was
    ended = _ended_task(sup, unit, known)
    if ended is not None:
        found.judged.append((unit, ended))
        return True
    row = unit.row
    if not (unit.ever_ready and sup.wants(unit.name)):
        return False
    if row["state"] in WAITS:
        found.waiting.append(unit)
        return True
    if row["exit"] is None and not spawned:
        return False
    # one that was ready once is restarted, or not, by its policy, whoever watches
    row["exit"] = row["exit"] or _as_row(Exit())
    found.judged.append((unit, Exit(row["exit"]["code"], row["exit"]["signal"])))
    return True


def _ended_task(sup: Supervisor, unit: Unit, known: Exit | None) -> Exit | None:
    # it has run, or began to: it is judged by what its shell wrote down, never run on a guess
    row = unit.row
    intended = row.get("mark") and (known is not None or row["exit"] is None)
    if unit.entry["kind"] != "task" or not intended:
        return None
    if known is None and not tasks.begun(sup.folder, unit):
        return None
    ended = tasks.ended(sup.folder, unit, known or Exit())
    row |= {"state": "starting", "exit": _as_row(ended), "doubt": ended == Exit()}
    unit.note()
    return ended


def end(sup: Supervisor, _: Found) -> None:
    """End all that is left."""
    sup.loop.task(stopping.stop_all(sup, list(sup.units)))


def go_on(sup: Supervisor, found: Found) -> None:
    """Go on with what the predecessor was at: a start, a restart, a stop, the end of all."""
    if sup.stack.get("ending"):
        sup.end()
        return
    sup.sockets.settle_all()
    for unit in found.waiting:
        unit.task = sup.loop.task(living.go_on_waiting(sup, unit))
    for unit in found.watched:
        starts = unit.state == "starting"
        work = living.go_on_starting if starts else living.watch_and_restart
        unit.task = sup.loop.task(work(sup, unit))
    watching.go_on(sup)
    changing = _go_on_changing(sup, found)
    for unit, ended in found.judged:
        living.judge(sup, unit, ended)  # also for a change that goes on and waits for it
    sup.loop.task(_begin_again(sup, found))
    sup.loop.task(_stop_again(sup, found))
    if changing:
        return
    if left := sup.stack.get("rolling"):
        # replicas that had not had their turn
        sup.converge(sup.sheet, list(left), keep=True, spans=[], again=left)


def _go_on_changing(sup: Supervisor, found: Found) -> bool:
    # with a change that it was at; tells whether there is one
    target, left = sup.stack.get("target") or {}, list(sup.stack.get("rolling") or ())
    if not target or target.get("failed"):
        return False
    try:
        sheet = sheets.read(sup.folder, str(target["plan"]), sup.sheet)
        sup.without = set(target["without"] or ())
        wanted = closure(sheet, target["names"], sup.without)
        names = sorted(name for name in wanted if not sup.unwanted(name))
        change = sup.converge(sheet, names, keep=bool(target["keep"]), spans=[], again=left,
                              anew=bool(target.get("anew")))  # fmt: skip
    except ControlError as fault:
        sup.journal.tell("warning", None, message=fault.message)
        return False
    change.accepted = True
    found.wanted = [unit for unit in found.wanted if unit.name not in change.starts]
    return True


async def _begin_again(sup: Supervisor, found: Found) -> None:
    # what they left when they ended unwatched is nobody's child that we would hear of
    marks = {remains.trace(sup, unit).mark for unit in found.wanted} - {""}
    if marks and tree.belonging(set(), marks):
        await stopping.stop_level(sup, found.wanted)
    for unit in found.wanted:
        if sup.wants(unit.name) and unit.process is None:
            sup.begin(unit)


async def _stop_again(sup: Supervisor, found: Found) -> None:
    await stopping.stop_all(sup, [unit.name for unit in found.stopped])
    for unit in found.stopped:
        if sup.wants(unit.name) and unit.process is None:
            sup.begin(unit)
