"""Sees that logs have grown, without waking while they are silent; lets them be rotated.

The first write after a silence wakes us once. From then on sizes are looked at, the oftener the
sooner one is full, until nothing was written between two looks. What is seen is kept as marks, from
which times of lines are told. What reads and rotates logs is imported a second after a start, which
is quicker without.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from booty.run import process
from booty.run.inotify import Stir
from booty.run.process import SpawnError
from booty.supervise import roles
from booty.supervise.complaint import complain

if TYPE_CHECKING:
    from booty.run.loop import Timer
    from booty.run.rotation import Policy
    from booty.supervise.holdings import Holdings

__all__ = ["Growth"]

FIRST: Final = 1.0
"""Seconds from an event to a look."""
FASTEST: Final = 0.2
SLOWEST: Final = 5.0
"""Seconds between looks."""
AGAIN: Final = 60.0
"""Seconds until a log that could not be rotated is tried again."""
TIDY: Final = 300.0
"""Seconds until what is too old is looked for the first time, and at least until it is again."""
RARELY: Final = 86400.0
SHARE: Final = 8
"""Part of an age that lines may be older."""
OWN: Final = (16 << 20, 30 * 86400.0, 3)
"""What holds for the watchers' own log and for events."""
DEFAULT: Final = (64 << 20, 7 * 86400.0, 5)
"""Likewise for a program that says nothing: bytes, seconds, segments."""
LONGEST: Final = 65536
TOGETHER: Final = 100
"""Logs that one rotator is told of: more would not fit into its arguments, nor what it says into a
pipe that is read when it has ended."""


class _Log:
    """One log as it was last seen."""

    def __init__(self, path: str, now: float) -> None:
        from booty.run.segments import survey

        known = survey(path)
        self.path = path
        self.base = known.base
        self.until = known.until
        self.size = known.size
        self.pending: list[tuple[int, float]] = []
        self.begun: tuple[int, float] | None = None
        self.rate = 0.0
        self.not_before = 0.0
        self.looked = now

    @property
    def live(self) -> int:
        """Bytes that were not rotated; negative if the file was truncated."""
        return self.base + self.size - self.until

    def look(self, now: float) -> bool:
        """Take the size; tells whether it changed."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        before, self.size = self.size, found.st_size
        self.rate = max(0.0, (self.size - before) / max(now - self.looked, FASTEST))
        self.looked = now
        if self.size != before:
            self.pending.append((self.base + self.size, found.st_mtime))
        return self.size != before

    def begin(self, offset: int, wall: float) -> None:
        """Take the time at which a start found the file with a size."""
        self.begun = (self.base + offset, wall)
        if self.size > offset:
            self.pending.append((self.base + self.size, os.stat(self.path).st_mtime))

    def rotated(self) -> None:
        """Take what a rotation changed."""
        from booty.run.segments import survey

        known = survey(self.path)
        self.base, self.until = known.base, known.until

    def write(self) -> None:
        """Write marks down."""
        if self.pending:
            from booty.run import marks

            begun = [self.begun] if self.begun else []  # of a silent log nothing is written
            pending, self.pending, self.begun = sorted(begun + self.pending), [], None
            with suppress(OSError):  # of a full disk others tell; times are less exact
                marks.add(self.path, pending)


class Growth:
    """Watches the logs of a stack; see the module.

    Args:
        sup: the supervisor.
    """

    def __init__(self, sup: Holdings) -> None:
        self._sup = sup
        self._logs: dict[str, _Log] = {}
        self._units: list[str] | None = None
        self._begun: list[tuple[str, int, float]] = []
        self._told: set[tuple[str, str]] = set()
        self._timer: Timer | None = None
        self._paused = FIRST
        self._rotating = False
        self._owed = False
        self._stir = Stir(sup.loop, sup.folder.logs, self._stirred)
        sup.journal.listeners.append(self._happened)
        sup.loop.after(TIDY, self._tidy)

    # -- what wakes us

    def _soon(self, seconds: float) -> None:
        if self._timer is None:
            self._paused = seconds
            self._timer = self._sup.loop.after(seconds, self._look)

    def _happened(self, event: dict[str, Any]) -> None:
        # events are a file that grows as well; and a start is where a new log's times begin
        self._soon(FIRST)
        unit = self._sup.units.get(event["instance"])
        if event["kind"] == "state" and event["detail"]["to"] == "starting" and unit is not None:
            begun = int(unit.row["log_offset"]), self._sup.loop.clock.wall()
            self._begun.append((unit.name, *begun))

    def _stirred(self) -> None:
        now = self._sup.loop.now()
        for log in self._watched().values():
            size = log.size
            if log.look(now):
                wall = self._sup.loop.clock.wall()
                log.pending.append((log.base + size, wall))  # it was silent up to now
        self._soon(FASTEST)  # it may be a flood

    def _look(self) -> None:
        self._timer = None
        if self._sup.loop.busy:  # many are being started: that comes first
            self._soon(FASTEST)
            return
        now, logs = self._sup.loop.now(), self._watched()
        # armed first: no write comes between the look and the rest
        armed = self._paused == SLOWEST and self._stir.arm()
        self._note_starts(logs)
        changed = [log for log in logs.values() if log.look(now) or log.pending]
        if armed and not changed and not self._owed:
            return
        if armed:
            self._stir.let_go()
        for log in changed:
            log.write()
        self._rotate({name: log for name, log in logs.items() if self._due(name, log, now)})
        self._paused = self._pause(logs)
        self._timer = self._sup.loop.after(self._paused, self._look)

    def _note_starts(self, logs: dict[str, _Log]) -> None:
        begun, self._begun = self._begun, []
        for name, offset, wall in begun:
            if name in logs:
                logs[name].begin(offset, wall)

    def _pause(self, logs: dict[str, _Log]) -> float:
        left = [
            (self._policy(name).size - log.live) / log.rate / 2
            for name, log in logs.items()
            if log.rate
        ]
        return min(SLOWEST, max(FASTEST, min(left, default=SLOWEST)))

    # -- what there is

    def _watched(self) -> dict[str, _Log]:
        units = [unit.name for unit in self._sup.units.values() if not unit.external]
        if units != self._units:
            self._units = units
            paths = {name: self._sup.folder.log(name) for name in [*units, "supervisor"]}
            paths[""] = self._sup.folder.events
            now, known = self._sup.loop.now(), self._logs
            self._logs = {name: known.get(name) or _Log(path, now) for name, path in paths.items()}
        return self._logs

    def _policy(self, name: str) -> Policy:
        from booty.run.rotation import MOST, Policy

        unit = self._sup.units.get(name)
        if unit is None:
            return Policy(*OWN)
        asked = unit.entry.get("log") or {}
        most, (size, age, keep) = unit.entry["limits"].get("fsize"), DEFAULT
        return Policy(
            int(asked.get("size", size)),
            float(asked.get("age", age)),
            int(asked.get("keep", keep)),
            MOST if most is None else most // 2,
        )

    def _due(self, name: str, log: _Log, now: float) -> bool:
        full = log.live >= self._policy(name).size or log.live < 0
        return full and now >= log.not_before and not self._starts(name)

    def _starts(self, name: str) -> bool:
        # its readiness is looked for in its log
        unit = self._sup.units.get(name)
        if unit is None or unit.state != "starting":
            return False
        return bool((unit.entry["ready"] or {}).get("log"))

    # -- what is done

    def _tidy(self) -> None:
        logs = self._watched()
        self._rotate({name: log for name, log in logs.items() if not self._starts(name)})
        age = min(self._policy(name).age for name in logs)
        self._sup.loop.after(min(RARELY, max(TIDY, age / SHARE)), self._tidy)

    def _rotate(self, logs: dict[str, _Log]) -> None:
        self._owed = bool(logs) and self._rotating
        if logs and not self._rotating:
            self._rotating = True
            self._sup.loop.task(self._rotation(logs))

    async def _rotation(self, logs: dict[str, _Log]) -> None:
        names = list(logs)
        try:
            for begin in range(0, len(names), TOGETHER):
                some = names[begin : begin + TOGETHER]
                await self._rotate_some({name: logs[name] for name in some})
        finally:
            self._rotating = False

    async def _rotate_some(self, logs: dict[str, _Log]) -> None:
        asked = [[name, log.path, *self._policy(name)] for name, log in logs.items()]
        try:
            said = await self._said({"parent": os.getpid(), "logs": asked})
        except (SpawnError, OSError) as error:
            why = {"failed": True, "message": f"cannot rotate its log: {error}"}
            said = [{"name": name, **why} for name in logs]
        failed = {one["name"] for one in said if one["failed"]}
        for name, log in logs.items():
            log.rotated()
            if name in failed:
                log.not_before = self._sup.loop.now() + AGAIN
        self._warn(said)

    async def _said(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        read, write = os.pipe()
        try:
            argv = roles.command("rotator", arguments)
            pid = process.spawn(argv, {"LC_CTYPE": "C.UTF-8"}, output=write)
            child = process.watched(self._sup.loop, pid)
            await self._sup.loop.first(child.gone)
            await self._sup.ends.of(pid, child.parent)
            os.set_blocking(read, False)
            with suppress(BlockingIOError):
                return [_parsed(line) for line in os.read(read, LONGEST).splitlines()]
            return []
        finally:
            os.close(read)
            os.close(write)

    def _warn(self, said: list[dict[str, Any]]) -> None:
        for one in said:
            key = (one["name"], one["message"])
            if key not in self._told:
                self._told.add(key)
                words = f"{one['name'] or 'events'}: {one['message']}"
                self._sup.journal.tell("warning", one["name"] or None, message=words)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        complain(line.decode(errors="replace"))  # a traceback
        words = "a rotation failed: .booty/logs/supervisor.log says how"
        return {"name": "", "failed": True, "message": words}
    return found
