"""The follower: what ``up`` becomes after it has handed over. It shows, waits, and holds.

Standard library alone: the command execs it in its own place, so that a terminal holds no more than
this while a stack runs.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from booty.run import first
from booty.run.signals import wakeup
from booty.supervise import client, listing, state
from booty.supervise.client import Connection
from booty.supervise.launch import STOPS
from booty.supervise.screen import Screen
from booty.supervise.telling import Teller, report_lines, services
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.lines import Lines

__all__ = ["main"]

REDRAW: Final = 0.1
"""Seconds between redraws of the status line on a terminal."""
RECONNECT: Final = 5.0
"""Seconds until the successor of a dead supervisor must answer."""
PIECE: Final = 4096
UNDO: Final = 60.0
"""Seconds that taking back a failed start may take."""
INTERRUPTED: Final = 130
FORCED: Final = 9
LOST: Final = 11


def main(
    arguments: dict[str, Any],
    leave: Callable[[int], object] = sys.exit,
    link: Connection | None = None,
) -> None:
    """Follow a start, and after it the stack.

    Args:
        arguments: ``state root names timeout detach json quiet command client started holds keep
            nothing events begin after``; see ``booty.cli.up``. In the process that handed a plan
            over also ``sheet``: its digest and its run sheet.
        leave: ends this process.
        link: the connection to use; else a new one.
    """
    try:
        follower = Follower(arguments, link)
        status = follower.run()
    except ControlError as error:
        status = _tell(error, as_json=bool(arguments["json"]))
    except BrokenPipeError:
        # whoever read our output has gone; the end of our pipe stops what we hold
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 0
    if sys.stdout is not None:
        sys.stdout.flush()
    sys.stderr.flush()
    leave(status)


class _Interrupted(Exception):  # noqa: N818 - a signal, not a fault
    """The person pressed ctrl-C, or the terminal went."""


class _Signals:
    """Turns stop signals into :class:`_Interrupted`, where one may come."""

    def __init__(self) -> None:
        self.count = 0
        self._armed = False
        self.fd = wakeup()
        for number in STOPS:
            signal.signal(number, self._take)
        first.hear_orphans()

    def wait(self, fds: list[int], timeout: float | None) -> None:
        """Wait until something can be read, or a signal comes."""
        if self.fd in select.select([*fds, self.fd], [], [], timeout)[0]:
            self.heard()

    def heard(self) -> None:
        """Take what woke us."""
        with suppress(BlockingIOError):
            os.read(self.fd, PIECE)
        first.bury()

    def _take(self, *_: object) -> None:
        self.count += 1
        if self._armed:
            self._armed = False
            raise _Interrupted

    def arm(self, seen: int) -> None:
        """Let the next signal interrupt; one that came after those seen does so at once."""
        self._armed = True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        if self.count > seen:
            self._armed = False
            raise _Interrupted

    def disarm(self) -> None:
        """Let signals only be counted."""
        self._armed = False


class Follower:
    """One follower; see :func:`main`."""

    def __init__(self, arguments: dict[str, Any], link: Connection | None) -> None:
        self.asked = arguments
        self.signals = _Signals()
        self.folder = state.Folder(arguments["state"])
        self.screen = Screen(quiet=bool(arguments["quiet"]))
        self.teller = Teller(self.folder, self.screen)
        self.link = link or client.connect(self.folder.root)
        self.logs: Lines | None = None

    def run(self) -> int:
        """Return the exit status."""
        ready = False
        try:
            self.signals.arm(0)
            status = 0 if self.asked["nothing"] else self._until_ready()
            ready = True
            if not status and not self.asked["detach"]:
                status = self._follow()
            self.signals.disarm()
        except _Interrupted:
            status = self._leave(0 if ready else INTERRUPTED)
        return status

    # -- the start

    def _until_ready(self) -> int:
        try:
            fault = self._start_fault()
        except ControlError as error:
            fault = error.data
        self.screen.end()
        self.teller.starting = False
        if fault is None:
            self._tell_ready()
            return 0
        self.signals.disarm()
        self.teller.fault(fault)
        self._undo(fault)
        if self.asked["json"]:
            self._print_json(fault)
        return int(fault.get("status") or 1)

    def _start_fault(self) -> dict[str, Any] | None:
        offset = int(self.asked["events"])
        while True:
            try:
                self.link.request("subscribe", timeout=RECONNECT)
                self.teller.replay(offset)
                return self._wait()
            except ControlError as error:
                if error.reference != "connection-lost" or self.teller.stopped is not None:
                    raise
            # the supervisor died; its successor goes on with the start
            offset = _size(self.folder.events)
            self.link = client.connect(self.folder.root, RECONNECT)

    def _wait(self) -> dict[str, Any] | None:
        left = self.asked["timeout"]
        if left is not None:
            left = max(0.0, left - (time.monotonic() - self.asked["begin"]))
        wanted: dict[str, Any] = {"names": self.asked["names"], "for": "ready", "limit": left}
        number = self.link.send("wait", **wanted)
        while True:
            if self.screen.live and not self.link.pending:
                self.teller.draw()
            frame = self._frame(self.link, REDRAW if self.screen.live else None)
            if frame is None:
                continue
            if "event" in frame:
                self.teller.take(frame["event"])
            elif frame.get("id") == number:
                fault: dict[str, Any] | None = frame.get("error")
                return fault

    def _frame(self, link: Connection, timeout: float | None) -> dict[str, Any] | None:
        if not link.pending:
            self.signals.wait([link.fileno()], timeout)
        return link.receive(0)

    def _undo(self, fault: dict[str, Any]) -> None:
        # a failed up stops what it started; one that started the supervisor leaves not even that
        if self.asked["keep"]:
            return
        if self.asked["started"]:
            self._down(limit=UNDO)
            self._clean_up()
        elif fault["reference"] == "wait-timeout":
            own = [one["instance"] for one in self.teller.changes if one["action"] == "start"]
            with suppress(ControlError), client.connect(self.folder.root) as link:
                link.request("stop", names=own, timeout=UNDO)

    def _tell_ready(self) -> None:
        found = self._listing()
        if self.asked["json"]:
            self._print_json(None)
            return
        seconds = time.monotonic() - self.asked["begin"]
        _print(services(found))
        lines = [*self.teller.steps(), f"ready after {seconds:.2f} s", *self._next()]
        for line in lines:
            self.screen.say(line)

    def _next(self) -> list[str]:
        command, own = self.asked["command"], self.asked["client"]
        second = f"client {own} --help" if own else "ps"
        lines = [f"  {command} {words}" for words in ("logs -f", second, "down")]
        told = self.asked["detach"] and self.asked.get("first", True)
        return ["try next:", *lines] if told else []

    def _listing(self) -> dict[str, Any]:
        sheet = self.asked.get("sheet")
        return listing.listing(self.folder.root, self.asked["root"], sheet=sheet)

    def _print_json(self, fault: dict[str, Any] | None) -> None:
        found = self._listing()
        _print(json.dumps({**found, "changes": self.teller.changes, "error": fault}))

    # -- afterwards

    def _follow(self) -> int:
        # a start that nobody follows does without
        from booty.run.inotify import open_inotify
        from booty.run.tail import wait_readable
        from booty.supervise.lines import Lines

        self.teller.starting = False
        if self.asked["nothing"]:
            self.link.request("subscribe", timeout=RECONNECT)
        logs = self.logs = Lines(self.folder, self._begun())
        watch = open_inotify([self.folder.logs])
        how = "stops all" if self.asked["holds"] else "leaves it running"
        self.screen.say(f"following; ctrl-C {how}")
        logs.show()
        while True:
            fds = [self.signals.fd, *([] if self.link.pending else [self.link.fileno()])]
            readable = wait_readable(fds, watch, 0 if self.link.pending else None)
            self.signals.heard()
            logs.show()
            if readable - {self.signals.fd} or self.link.pending:
                ended = self._hear()
                if ended is not None:
                    logs.show()
                    return ended

    def _begun(self) -> set[str]:
        changes = self.teller.changes
        return {one["instance"] for one in changes if one["action"] not in {"none", "reload"}}

    def _hear(self) -> int | None:
        try:
            frame = self.link.receive(0)
        except ControlError:
            return self._hung_up()
        if frame is not None and "event" in frame:
            self.teller.take(frame["event"])
        return None

    def _hung_up(self) -> int | None:
        # the end of the stack, or the death of a supervisor that has a successor
        report = self.teller.stopped
        if report is None:
            return self._after_death()
        client.wait_until_left(self.folder.root, self.link, RECONNECT)
        self._over(report)
        if self.teller.lost is not None:
            self.teller.fault(self.teller.lost | {"lines": []})  # shown when it happened
            return LOST
        return FORCED if _forced(report) else 0

    def _after_death(self) -> int | None:
        # the guardian keeps the socket: a connection waits in its backlog until a successor listens
        try:
            self.link = client.connect(self.folder.root, RECONNECT)
            self.link.request("subscribe", timeout=RECONNECT)
        except ControlError as error:
            self.screen.fault(f"supervisor-lost: cannot follow any longer: {error.message}")
            self.screen.fault(f"  hint: {self.asked['command']} ps")
            return 1
        return None

    # -- the end

    def _leave(self, status: int) -> int:
        seen = self.signals.count
        self.screen.end()
        undoes = bool(status and self.asked["started"] and not self.asked["keep"])
        if not self.asked["holds"] and not undoes and not first.is_first():
            self.screen.say(f"left; it goes on: {self.asked['command']} ps")
            return status
        self.screen.say("stopping; once more to kill")
        try:
            self.signals.arm(seen)
            report = self._down()
            self.signals.disarm()
        except _Interrupted:
            report = self._down(force=True)
            status = INTERRUPTED
        if self.logs is not None:
            self.logs.show()
        self._over(report)
        return status or (FORCED if _forced(report) else 0)

    def _over(self, report: list[dict[str, Any]]) -> None:
        for line in report_lines(report):
            self.screen.say(line)
        self._clean_up()
        if not self.asked["after"]:
            self.screen.say("down; data is kept")

    def _down(self, *, force: bool = False, limit: float | None = None) -> list[dict[str, Any]]:
        try:
            with client.connect(self.folder.root) as link:
                report = self._report(link, link.send("down", force=force), limit)
                client.wait_until_left(self.folder.root, link, RECONNECT)
                return report
        except ControlError:
            return self.teller.stopped or []

    def _report(self, link: Connection, number: int, limit: float | None) -> list[dict[str, Any]]:
        end = None if limit is None else time.monotonic() + limit
        while end is None or time.monotonic() < end:
            frame = self._frame(link, None if end is None else end - time.monotonic())
            if frame is not None and frame.get("id") == number:
                return list(frame["ok"]["report"])
        raise ControlError.of(
            "cannot wait any longer for the end",
            reference="down-timeout",
            status=9,
            hint="booty down waits again",
        )

    def _clean_up(self) -> None:
        if self.asked["after"]:
            # --rm: everything has ended, what it left is removed
            import subprocess

            subprocess.run(self.asked["after"], check=False)


def _tell(error: ControlError, *, as_json: bool) -> int:
    sys.stderr.write(f"{error.reference}: {error.message}\n")
    if error.data["hint"]:
        sys.stderr.write(f"  hint: {error.data['hint']}\n")
    if as_json:
        _print(json.dumps({"error": error.data}))
    return error.status


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _forced(report: list[dict[str, Any]]) -> bool:
    return any(row["how"] == "killed" for row in report)
