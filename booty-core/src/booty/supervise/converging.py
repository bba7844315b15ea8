"""From one run sheet to the next: what is gone stops, what changed is replaced, the rest starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.supervise import (
    files,
    fitness,
    former,
    kept,
    leaving,
    notices,
    rolling,
    starting,
    stopping,
    tasks,
    unforeseen,
)
from booty.supervise.arrival import Arrival
from booty.supervise.change import UP, classify, updates, why_gone
from booty.supervise.closure import closure
from booty.supervise.looking import look_from_now
from booty.supervise.occupied import refuse_occupied
from booty.supervise.room import refuse_full
from booty.supervise.spans import Trace
from booty.supervise.unit import Unit
from booty.supervise.wire import ControlError
from booty.supervise.workers import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from booty.supervise.supervision import Supervision

__all__ = ["Convergence"]

KEPT = "keep"
UP_WELL = frozenset(("ready", "degraded"))


class Convergence:
    """One change under way.

    Args:
        sup: the supervisor.
        sheet: the new run sheet.
        names: services and instances wanted; ``None`` = all.
        keep: whether what a failed change started is left for a look.
        spans: spans of the command that planned.
        again: instances to restart though nothing about them changed; a dict says why.
        anew: whether every ``bootstrap`` is asked again, though no resource changed.

    Attributes:
        accepted: whether it is written down as what a command handed over.
    """

    def __init__(
        self,
        sup: Supervision,
        sheet: dict[str, Any],
        names: list[str] | None,
        *,
        keep: bool,
        spans: list[dict[str, Any]],
        again: Iterable[str] = (),
        anew: bool = False,
    ) -> None:
        self.sup = sup
        self.anew = anew
        sup.bootstraps.passed.clear()
        self.again = dict(again) if isinstance(again, dict) else dict.fromkeys(again, "asked for")
        self.sheet = sheet
        self.keep = keep
        self.wanted = closure(sheet, names, sup.without)
        self.entries = {entry["name"]: entry for entry in sheet["instances"]}
        self.gone: list[str] = []
        self.starts: list[str] = []
        self.restarts: list[str] = []
        self.reloads: list[str] = []
        self.same: list[str] = []
        self.changes: list[dict[str, Any]] = []
        self.arrival = Arrival(sup, self.wanted, self.starts, self.restarts)
        self.accepted = False
        self.trace = Trace(sup.folder, sup.loop.now, sup.loop.clock.wall(), spans)
        self._sort()

    def _sort(self) -> None:
        for name in self.sup.units:
            if name not in self.entries:
                self.gone.append(name)
                group = name.rpartition(".")[0]
                twins = [one for one in self.entries if one.rpartition(".")[0] == group]
                self._tell(name, "stop", why_gone(name, len(twins)))
        for name, entry in self.entries.items():
            if name in self.wanted:
                self._sort_one(name, entry)
            elif entry["service"] in self.sup.without and name in self.sup.units:
                self.gone.append(name)
                self._tell(name, "stop", "left out by --without")
        while leaning := self._leaning():
            name, why = leaning
            self.restarts.append(name)
            self._tell(name, "restart", why)

    def _leaning(self) -> tuple[str, str] | None:
        # who asked to be restarted with what it needs
        for name, entry in self.entries.items():
            unit = self.sup.units.get(name)
            if unit is None or unit.process is None or name in self.touched:
                continue
            for need in entry["needs"]:
                if need["restart"] and set(need["instances"]) & set(self.restarts):
                    return name, f"needs {need['service']}, which is restarted"
        return None

    @property
    def fault(self) -> ControlError | None:
        """Why it failed, ``None`` if it did not."""
        return self.arrival.fault

    @property
    def touched(self) -> set[str]:
        """Instances that this change starts, restarts, reloads or stops."""
        return {*self.starts, *self.restarts, *self.reloads, *self.gone}

    def _sort_one(self, name: str, entry: dict[str, Any]) -> None:
        unit = self.sup.units.get(name)
        if unit is None or unit.state not in UP:
            if unit is not None and _is_done(unit, entry) and name not in self.again:
                return
            self.starts.append(name)
            self._tell(name, "start", self.again.get(name) or "is not running")
            return
        if name in self.again:
            self.restarts.append(name)
            self._tell(name, "restart", self.again[name])
            return
        before = unit.row["inputs"], str(unit.row["digest"])
        change, paths = classify(*before, entry)
        why = f"{', '.join(paths)} changed" if paths else "it is started in another way"
        if change == "none":
            self._sort_updated(unit, entry)
            if unit.row["digest"] == entry["digest"]:
                self.same.append(name)
            return
        if change == "reload" and can_reload(self.sup, unit, entry):
            self.reloads.append(name)
            self._tell(name, "reload", why)
        else:
            self.restarts.append(name)
            self._tell(name, "restart", why)

    def _sort_updated(self, unit: Unit, entry: dict[str, Any]) -> None:
        if changed := updates(unit.entry, entry):
            why = f"{', '.join(changed)} changed; no restart needed"
            self._tell(unit.name, "update", why)

    def _tell(self, name: str, action: str, reason: str) -> None:
        self.changes.append({"instance": name, "action": action, "reason": reason})

    async def run(self) -> None:
        """Carry the change out; what happens is told by events."""
        begin = self.sup.loop.now()
        for change in self.changes:
            detail = {key: change[key] for key in ("action", "reason")}
            self.sup.journal.tell("change", change["instance"], **detail)
        try:
            await self._carry_out()
        except ControlError as fault:
            self.arrival.fault = fault
        except Unknown as unknown:
            self.arrival.fault = ControlError.of(
                f"cannot go on: a provider does not answer: {unknown}",
                reference="hook-silent",
                status=7,
            )
        except Exception as error:  # noqa: BLE001 - whoever waits for the change is told
            self.arrival.fault = unforeseen.fault(error)
        self.trace.write()
        if self.fault is not None:
            await self._fail(self.fault)
        else:
            kept.keep(self.sup.folder, self.sheet["digest"])
            seconds = round(self.sup.loop.now() - begin, 3)
            self.sup.journal.tell("ready", None, seconds=seconds, plan=self.sheet["digest"])

    async def _carry_out(self) -> None:
        await self._check()
        await self._stop_gone()
        in_turn = rolling.replicas(self.entries, self.restarts)
        at_once = [name for name in self.restarts if name not in in_turn]
        await self._stop_changed(at_once)
        before = self._take_sheet(in_turn)
        # what cannot be reloaded is started anew
        again = [name for name in self.reloads if not await self._reload(self.sup.units[name])]
        self.sup.desire(*self.restarts, *self.starts, up=True)
        await self._bootstrap_standing()
        for name in [*at_once, *again, *self.starts]:
            self.sup.begin(self._counted(name))
        # one that a predecessor was restarting has its turn again, and is put back if it fails
        await self.arrival.of(self.wanted - set(in_turn))
        await leaving.finish(self.sup)
        await rolling.roll(self.sup, self.arrival, self.entries, in_turn, before)
        await self._bootstrap_changed()

    def _counted(self, name: str) -> Unit:
        # how often its policy restarted it is counted from when somebody started it
        unit = self._unit(name)
        if name in self.starts and unit.row["restarts"]:
            unit.note(restarts=0)
        return unit

    async def _check(self) -> None:
        sup = self.sup
        done = {name for name, unit in sup.units.items() if unit.state == "done"}
        about = [*self.starts, *self.restarts]
        for _, fault in fitness.unfit(self.entries, about, sup.values, sup.base_env, done):
            raise fault
        refuse_occupied(sup, self.entries, about)
        if self.restarts:
            refuse_full(sup.folder, self.restarts[0])
        tasks.refuse_doubt(sup.units, about)
        for name in [*self.restarts, *self.reloads]:
            await starting.check(self.sup, self.entries[name])
        for name in self.restarts:
            self.sup.units[name].note(checked=self.entries[name]["digest"])

    async def _stop_gone(self) -> None:
        sup = self.sup
        going = self._leaving()
        out = leaving.hooked(sup, going)
        sup.desire(*(name for name in self.gone if name not in out), up=False)
        await stopping.stop_all(sup, [one for one in self.gone if one not in out], going)
        for name in out:
            await leaving.take_out(sup, sup.units[name], self.entries)
        for name in self.gone:
            if name not in self.entries and name in sup.units:
                sup.units.pop(name).forget()
        sup.sockets.settle_all()

    def _leaving(self) -> set[str]:
        # their service becomes smaller: work that they have goes to the others first
        go_on = {self.entries[name]["service"] for name in self.wanted}
        return {name for name in self.gone if self.sup.units[name].entry["service"] in go_on}

    def _take_sheet(self, in_turn: list[str]) -> dict[str, dict[str, Any]]:
        # replicas go on by the entries that they run by until it is their turn
        sup = self.sup
        now = {name: sup.units[name].entry for name in in_turn}
        before = former.begin(sup, in_turn)
        _take_sheet(sup, self.sheet)
        sup.members.settle()
        for name, entry in now.items():
            sup.units[name].entry = entry
        for name in self.same:
            sup.units[name].note(inputs=self.entries[name]["inputs"])
        return before

    async def _stop_changed(self, names: list[str]) -> None:
        for level in stopping.levels(self.sup, names):
            await stopping.stop_level(self.sup, level, drain=True)

    def _unit(self, name: str) -> Unit:
        sup = self.sup
        if name not in sup.units:
            sup.add(Unit(sup.loop, sup.rows, sup.journal, self.entries[name]))
        return sup.units[name]

    async def _reload(self, unit: Unit) -> bool:
        entry = self.entries[unit.name]
        files.place(entry, self.sup.values, self.sup.blob)
        if not await reload(self.sup, unit):
            await stopping.stop_level(self.sup, [unit], drain=True)
            self.restarts.append(unit.name)
            return False
        unit.note(digest=entry["digest"], inputs=entry["inputs"])
        return True

    async def _bootstrap_standing(self) -> None:
        # what goes on running holds what it is to hold before anybody starts who looks for it
        moved = {*self.starts, *self.restarts}
        for name, own in self._due():
            units = [self.sup.units.get(one) for one in own]
            up = all(unit is not None and unit.state in UP_WELL for unit in units)
            if up and moved.isdisjoint(own):
                await self.sup.bootstraps.of(name)

    async def _bootstrap_changed(self) -> None:
        for name, _ in self._due():
            await self.sup.bootstraps.of(name)

    def _due(self) -> Iterator[tuple[str, set[str]]]:
        for name, service in self.sheet["services"].items():
            own = set(service["instances"])
            fresh = self.anew and name not in self.sup.bootstraps.passed
            if own <= self.wanted and self.sup.bootstraps.due(name, fresh=fresh):
                yield name, own

    async def _fail(self, fault: ControlError) -> None:
        sup = self.sup
        if not self.keep:
            names = [name for name in self.starts if name in sup.units]
            await stopping.stop_all(sup, names)
            sup.desire(*names, up=False)
        sup.journal.tell("failed", fault.data.get("subject"), **fault.data)


def _is_done(unit: Unit, entry: dict[str, Any]) -> bool:
    again = entry["restart"]["policy"] == "always" and entry["kind"] != "task"
    return unit.state == "done" and unit.row["digest"] == entry["digest"] and not again


def _take_sheet(sup: Supervision, sheet: dict[str, Any]) -> None:
    # running instances go on as their entries say now
    sup.sheet = sheet
    sup.values.artifacts = sheet["artifacts"]
    for entry in sheet["instances"]:
        unit = sup.units.get(entry["name"])
        if unit is not None:
            before, unit.entry = unit.entry, entry
            if before["live"] != entry["live"]:
                look_from_now(sup, unit)
    stack = sheet.get("stack") or sup.stack["stack"]  # the label may have changed
    changes = {"plan": sheet["digest"], "without": sorted(sup.without), "stack": stack}
    if any(sup.stack.get(name) != value for name, value in changes.items()):
        sup.note(**changes)


def can_reload(sup: Supervision, unit: Unit, entry: dict[str, Any]) -> bool:
    """Tell whether there is a way to reload an instance."""
    how = entry["reload"]
    return bool(how["signal"] or how["exec"] or "reload" in sup.hooks.of(unit))


async def reload(sup: Supervision, unit: Unit) -> bool:
    """Make an instance take its new files; tells whether it did."""
    how = unit.entry["reload"]
    if unit.process is None:
        return False
    if how["signal"]:
        import signal

        asked = sup.loop.now()
        unit.process.send(int(getattr(signal, f"SIG{how['signal']}")))
        await notices.reloaded(sup, unit, asked)
        return True
    if how["exec"]:
        command = {
            "argv": how["exec"], "env": {}, "timeout": 60.0, "exit_codes": [0], "expect": "",
        }  # fmt: skip
        env = files.environment(unit.entry, sup.base_env, sup.values)
        status, _ = await starting.run_to_end(sup, unit.entry, command, env)
        return not status
    if "reload" in sup.hooks.of(unit):
        try:
            return bool((await sup.hooks.call(unit, "reload", 30.0)).get("value"))
        except (Unknown, ControlError):
            return False
    return False
