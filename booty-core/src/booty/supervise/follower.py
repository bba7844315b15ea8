"""The follower: what ``up`` becomes after it has handed over. It shows, waits, and holds.

Standard library alone: the command execs it in its own place, so that a terminal holds no more than
this while a stack runs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any, Final

from booty.run.inotify import open_inotify
from booty.run.tail import Tail, wait_readable
from booty.supervise import client, listing, state
from booty.supervise.client import Connection
from booty.supervise.screen import Screen, table
from booty.supervise.wire import ControlError

__all__ = ["main", "report_lines"]

REDRAW: Final = 0.1
"""Seconds between redraws of the status line on a terminal."""
INTERRUPTED: Final = 130
FORCED: Final = 9
LOST: Final = 11
RECONNECT: Final = 5.0


def main(arguments: dict[str, Any]) -> None:
    """Follow a start, and after it the stack.

    Args:
        arguments: ``state root names timeout detach json quiet command started holds keep changes
            notes``.
    """
    sys.exit(Follower(arguments).run())


class _Interrupted(Exception):  # noqa: N818 - a signal, not a fault
    """The person pressed ctrl-C, or the terminal went."""


class Follower:
    """One follower; see :func:`main`."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.asked = arguments
        self.folder = state.Folder(arguments["state"])
        self.screen = Screen(quiet=bool(arguments["quiet"]))
        self.link: Connection = client.connect(self.folder.root)
        self.begin = time.monotonic()
        self.since: dict[str, float] = {}
        self.states: dict[str, tuple[str, str | None]] = {}
        self.fault: dict[str, Any] | None = None
        self.stopped: list[dict[str, Any]] | None = None

    def run(self) -> int:
        """Return the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, self._interrupt)
        try:
            status = self._until_ready()
        except _Interrupted:
            return self._leave(INTERRUPTED)
        if status or self.asked["detach"]:
            return status
        try:
            return self._follow()
        except _Interrupted:
            return self._leave(0)

    def _interrupt(self, *_: object) -> None:
        raise _Interrupted

    # -- the start

    def _until_ready(self) -> int:
        try:
            self.link.request("subscribe", timeout=5.0)
            names = self.asked["names"]
            fields = {"names": names, "for": "ready", "limit": self.asked["timeout"]}
            number = self.link.send("wait", **fields)
            answer = self._answer(number)
        except ControlError as error:
            answer = {"error": error.data}
        self.screen.end()
        if "error" in answer:
            return self._failed(answer["error"])
        self._tell_ready()
        return 0

    def _answer(self, number: int) -> dict[str, Any]:
        while True:
            frame = self.link.receive(REDRAW if self.screen.live else None)
            if frame is None:
                self._draw()
            elif "event" in frame:
                self._take(frame["event"])
            elif frame.get("id") == number:
                return frame

    def _draw(self) -> None:
        now = time.monotonic()
        waiting = [
            f"{name} {text}{f' ({why})' if why else ''} {now - self.since[name]:.1f} s"
            for name, (text, why) in self.states.items()
            if text not in {"ready", "done", "stopped"}
        ]
        self.screen.status("  ".join(waiting))

    def _take(self, event: dict[str, Any]) -> None:
        name, detail = event["instance"], event["detail"]
        if event["kind"] == "state":
            self._state(name, detail)
        elif event["kind"] == "change" and detail["action"] != "start":
            self.screen.say(f"{name}: {detail['action']}: {detail['reason']}")
        elif event["kind"] == "warning":
            self.screen.say(f"warning: {detail['message']}")
        elif event["kind"] == "stopped":
            self.stopped = detail["report"]
        elif event["kind"] in {"lost", "failed"}:
            self.fault = detail

    def _state(self, name: str, detail: dict[str, Any]) -> None:
        now = time.monotonic()
        took = now - self.since.get(name, self.begin)
        self.states[name] = (detail["to"], detail["reason"])
        self.since.setdefault(name, now)
        if detail["to"] in {"ready", "done"}:
            self.screen.say(f"{name} {detail['to']} after {took:.2f} s")
        elif detail["to"] in {"failed", "backoff", "degraded"}:
            self.screen.say(f"{name} {detail['to']}: {detail['reason']}")
        elif detail["to"] == "configured" and detail["reason"]:
            self.screen.say(f"{name} {detail['reason']}")

    def _failed(self, fault: dict[str, Any]) -> int:
        self._say_fault(fault)
        if self.asked["started"] and not self.asked["keep"]:
            self._end_quietly()
        if self.asked["json"]:
            self._print_json(fault)
        return int(fault.get("status") or 1)

    def _say_fault(self, fault: dict[str, Any]) -> None:
        if fault.get("lines"):
            self.screen.fault(f"last lines of {fault.get('subject')}:")
            for line in fault["lines"]:
                self.screen.fault(f"  | {line}")
        self.screen.fault(f"{fault['reference']}: {fault['message']}")
        if fault.get("hint"):
            self.screen.fault(f"  hint: {fault['hint']}")

    def _end_quietly(self) -> None:
        # a first up that failed leaves nothing: not even its supervisor
        try:
            with client.connect(self.folder.root) as link:
                link.request("down", timeout=60.0)
        except ControlError:
            return  # it has gone by itself

    def _tell_ready(self) -> None:
        found = listing.listing(self.folder.root, self.asked["root"])
        if self.asked["json"]:
            self._print_json(None)
            return
        seconds = time.monotonic() - self.asked["begin"]
        rows = [_row(row) for row in found["services"]]
        _print(table(("SERVICE", "STATE", "URL"), rows))
        for line in [*self._steps(), f"ready after {seconds:.2f} s", *self._next(found)]:
            self.screen.say(line)

    def _steps(self) -> list[str]:
        spans = _last_trace(self.folder)
        words = [
            f"{_who(span)}{span['name']} {span['end'] - span['start']:.2f} s"
            for span in spans
            if span["end"] - span["start"] >= 0.005  # noqa: PLR2004 - what is shown as 0.01
        ]
        return [f"steps: {', '.join(words)}"] if words else []

    def _next(self, found: dict[str, Any]) -> list[str]:
        command = self.asked["command"]
        first = next((one["name"] for one in found["services"]), "NAME")
        own = self.asked.get("client") or first
        lines = [
            f"  {command} logs -f",
            f"  {command} client {own} --help" if self.asked.get("client") else f"  {command} ps",
            f"  {command} down",
        ]
        return ["try next:", *lines] if self.asked["detach"] else []

    def _print_json(self, fault: dict[str, Any] | None) -> None:
        found = listing.listing(self.folder.root, self.asked["root"])
        _print(json.dumps({**found, "changes": self.asked["changes"], "error": fault}))

    # -- afterwards

    def _follow(self) -> int:
        tails = self._tails()
        watch = open_inotify([self.folder.logs])
        if not self.asked["json"]:
            how = "stops all" if self.asked["holds"] else "leaves it running"
            self.screen.say(f"following; ctrl-C {how}")
        while True:
            fds = [] if self.link.pending else [self.link.fileno()]
            readable = wait_readable(fds, watch, 0 if self.link.pending else None)
            self._logs(tails)
            if readable or self.link.pending:
                ended = self._hear()
                if ended is not None:
                    self._logs(tails)
                    return ended

    def _tails(self) -> dict[str, Tail]:
        found = listing.listing(self.folder.root, self.asked["root"])
        rows = {row["instance"]: row for row in state.read(self.folder.root)["instances"]}
        return {
            one["instance"]: Tail(one["log"], rows.get(one["instance"], {}).get("log_offset", 0))
            for one in found["services"]
        }

    def _logs(self, tails: dict[str, Tail]) -> None:
        width = max((len(name) for name in tails), default=0)
        for number, (name, tail) in enumerate(tails.items()):
            head = self.screen.coloured(name.ljust(width), number)
            for line in tail.lines():
                sys.stdout.write(f"{head} | {line}\n")
        sys.stdout.flush()

    def _hear(self) -> int | None:
        try:
            frame = self.link.receive(0)
        except ControlError:
            return self._hung_up()
        if frame is not None and "event" in frame:
            self._take(frame["event"])
        return None

    def _hung_up(self) -> int | None:
        # the end of the stack, or the death of a supervisor that has a successor
        if self.stopped is None:
            try:
                self.link = _reconnect(self.folder)
                self.link.request("subscribe", timeout=RECONNECT)
            except ControlError:
                pass
            else:
                return None
        for line in report_lines(self.stopped or []):
            self.screen.say(line)
        if self.fault is not None and self.fault.get("status") == LOST:
            self._say_fault(self.fault)
            return LOST
        return FORCED if _forced(self.stopped or []) else 0

    # -- the end

    def _leave(self, status: int) -> int:
        self.screen.end()
        if not self.asked["holds"]:
            self.screen.say(f"left; it goes on: {self.asked['command']} ps")
            return status
        self.screen.say("stopping; once more to kill")
        try:
            report = self._down(force=False)
        except _Interrupted:
            report = self._down(force=True)
            status = INTERRUPTED
        for line in report_lines(report):
            self.screen.say(line)
        return status or (FORCED if _forced(report) else 0)

    def _down(self, *, force: bool) -> list[dict[str, Any]]:
        try:
            with client.connect(self.folder.root) as link:
                return list(link.request("down", force=force)["report"])
        except ControlError:
            return self.stopped or []


def _reconnect(folder: state.Folder) -> Connection:
    # the guardian keeps the socket: a connection waits in its backlog until a successor listens
    return client.connect(folder.root, RECONNECT)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _who(span: dict[str, Any]) -> str:
    return f"{span['instance']} " if span.get("instance") else ""


def _row(row: dict[str, Any]) -> tuple[str, str, str]:
    urls = row["urls"]
    return row["instance"], row["state"], " ".join(urls.values())


def _forced(report: list[dict[str, Any]]) -> bool:
    return any(row["how"] == "killed" for row in report)


def report_lines(report: list[dict[str, Any]]) -> list[str]:
    """Return how each instance ended, one line each."""
    words = {"clean": "ended well", "killed": "had to be killed"}
    lines = []
    for row in report:
        code = row["code"] if row["code"] is not None else f"signal {row['signal']}"
        how = words.get(row["how"]) or ("ended" if code == "signal None" else f"ended with {code}")
        lines.append(f"{row['instance']} {how} after {row['seconds']:.2f} s")
    return lines


def _last_trace(folder: state.Folder) -> list[dict[str, Any]]:
    try:
        names = [name.removesuffix(".json") for name in os.listdir(folder.traces)]
        number = max(int(name) for name in names if name.isdigit())
        return list((state.read_json(f"{folder.traces}/{number}.json") or {})["spans"])
    except (OSError, ValueError, KeyError):
        return []
