"""Events in words: what a start does, what is waited for, how it ended. Standard library alone."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, Final

from booty.run.clock import stamped
from booty.supervise import listing, spans, state
from booty.supervise.screen import Screen, table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Teller", "report_lines"]

STEPS: Final = 10
"""Lines about steps at most."""
SHORTEST: Final = 0.005
"""Seconds from which a step is worth a word: what rounds to 0.01."""
ARRIVED: Final = frozenset(("ready", "done"))
TROUBLE: Final = frozenset(("failed", "backoff", "degraded"))
AT_REST: Final = frozenset(("stopped", "absent", "failed"))
UP: Final = frozenset(("ready", "degraded"))
BEFORE: Final = AT_REST | UP | {"done", "backoff", "stopping"}
"""States out of which a start begins, the first one or another one."""


class Teller:
    """Puts events into words, and knows what the screen shows below them.

    Args:
        folder: the state folder.
        screen: where to.
    """

    def __init__(self, folder: state.Folder, screen: Screen) -> None:
        self._folder = folder
        self._screen = screen
        self._since: dict[str, float] = {}
        self._now: dict[str, tuple[str, str | None]] = {}
        self._probes: dict[str, str] = {}
        self._replayed: set[str] = set()
        self.starting = True
        self.changes: list[dict[str, Any]] = []
        self.stopped: list[dict[str, Any]] | None = None
        self.lost: dict[str, Any] | None = None

    def replay(self, offset: int) -> None:
        """Take the events that were written down before anybody listened.

        Args:
            offset: bytes of ``events.jsonl`` that are older than this start.
        """
        try:
            with open(self._folder.events, "rb") as file:
                file.seek(offset)
                lines = file.read().splitlines()
        except OSError:
            return
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue  # cut by a full disk
            self._tell(event)
            self._replayed.add(_key(event))

    def take(self, event: dict[str, Any]) -> None:
        """Take one event; one that was replayed is not told twice."""
        if not self._told(event):
            self._tell(event)

    def _told(self, event: dict[str, Any]) -> bool:
        if not self._replayed or _key(event) in self._replayed:
            return bool(self._replayed)
        self._replayed.clear()  # what comes from now on was written after them
        return False

    def _tell(self, event: dict[str, Any]) -> None:
        name, detail = event["instance"], event["detail"]
        if event["kind"] == "state":
            self._state(name, detail, stamped(event["at"]))
        elif event["kind"] == "exit":
            self._exit(name, detail)
        elif event["kind"] == "change":
            self._change(name, detail)
        elif event["kind"] == "drain":
            self._screen.say(f"{name} drains: {detail['pending']}")
        elif event["kind"] == "supervisor" and detail.get("adopted") and self.starting:
            self._screen.say(f"adopted {detail['adopted']}: what ran goes on, and is watched again")
        elif event["kind"] == "warning":
            self._screen.say(f"warning: {detail['message']}")
        elif event["kind"] == "stopped":
            self.stopped = detail["report"]
        elif event["kind"] == "lost":
            self.lost = detail
        elif event["kind"] == "failed" and not self.starting:
            self.fault(detail)

    def _change(self, name: str, detail: dict[str, Any]) -> None:
        self.changes.append({"instance": name, **detail})
        if detail["action"] != "start":
            self._screen.say(f"{name}: {detail['action']}: {detail['reason']}")

    def _state(self, name: str, detail: dict[str, Any], at: float) -> None:
        to, why = detail["to"], detail["reason"]
        if detail["from"] in BEFORE or name not in self._since:
            self._since[name] = at
        self._now[name] = (to, why)
        if to in ARRIVED:
            self._screen.say(f"{name} {to} after {max(0.0, at - self._since[name]):.2f} s")
        elif to in TROUBLE:
            self._screen.say(f"{name} {to}: {why}")
        elif to == "configured" and why:
            self._screen.say(f"{name} {why}")
        elif to == "stopped" and not self.starting:
            self._screen.say(f"{name} stopped{f': {why}' if why else ''}")

    def _exit(self, name: str, detail: dict[str, Any]) -> None:
        # of one that is asked to end, or does not get ready, others tell
        if self._now.get(name, ("ready", None))[0] in UP:
            self._screen.say(f"{name} ended with {_ending(detail)}")

    def draw(self) -> None:
        """Show what is waited for and for how long, on a terminal."""
        now = time.time()
        waiting = [
            f"{name} {to}{self._why(name, to, why)} {max(0.0, now - self._since[name]):.1f} s"
            for name, (to, why) in self._now.items()
            if to not in ARRIVED | AT_REST
        ]
        self._screen.status("  ".join(waiting))

    def _why(self, name: str, to: str, why: str | None) -> str:
        if why or to != "starting":
            return f" ({why})" if why else ""
        if name not in self._probes:
            self._read_probes()
        probe = self._probes.get(name)
        return f" (waits for {probe})" if probe else ""

    def _read_probes(self) -> None:
        from booty.run.probe import describe

        try:
            sheet = listing.sheet_of(self._folder.root, state.read_json(self._folder.stack))
        except (OSError, ValueError):
            return
        for entry in sheet["instances"]:
            self._probes[entry["name"]] = describe(entry["ready"]) if entry["ready"] else ""

    def fault(self, fault: dict[str, Any]) -> None:
        """Show a fault, or several, the last lines of who each is about above it."""
        for one in fault.get("faults") or [fault]:
            self._fault(one)

    def _fault(self, fault: dict[str, Any]) -> None:
        if fault.get("lines"):
            self._screen.fault(f"last lines of {self._source(str(fault.get('subject')))}:")
            for line in fault["lines"]:
                self._screen.fault(f"  | {self._screen.harmless(line)}")
        self._screen.fault(f"{fault['reference']}: {fault['message']}")
        if fault.get("hint"):
            self._screen.fault(f"  hint: {fault['hint']}")

    def _source(self, name: str) -> str:
        path = self._folder.log(name)
        if not os.path.exists(path):
            return name
        # the shorter of both ways to write it
        return f"{name}, in {min(path, os.path.relpath(path), key=len)}"

    def steps(self) -> list[str]:
        """Return how long each step of the last start took."""
        found = (spans.last(self._folder) or {"spans": ()})["spans"]
        took = [
            (f"{_who(span)}{span['name']}", span["end"] - span["start"])
            for span in found
            if span["end"] - span["start"] >= SHORTEST
        ]
        if not took:
            return []
        # of a large stack only what took longest; the rest is in analyze
        least = sorted((seconds for _, seconds in took), reverse=True)[:STEPS][-1]
        shown = [one for one in took if one[1] >= least][:STEPS]
        width = max(len(name) for name, _ in shown)
        lines = [f"  {name.ljust(width)}  {seconds:.2f} s" for name, seconds in shown]
        more = len(took) - len(shown)
        return ["steps:", *lines, *([f"  and {more} quicker ones: booty analyze"] if more else [])]


def services(found: dict[str, Any]) -> str:
    """Return the table of services with their URLs, which hold no credentials."""
    rows = [(row["instance"], row["state"], " ".join(row["urls"].values()))
            for row in found["services"]]  # fmt: skip
    return table(("SERVICE", "STATE", "URL"), rows)


def report_lines(report: Sequence[dict[str, Any]]) -> list[str]:
    """Return how each instance ended, one line each."""
    words = {"clean": "ended well", "killed": "had to be killed"}
    lines = []
    for row in report:
        code = row["code"] if row["code"] is not None else f"signal {row['signal']}"
        how = words.get(row["how"]) or ("ended" if code == "signal None" else f"ended with {code}")
        lines.append(f"{row['instance']} {how} after {row['seconds']:.2f} s")
    return lines


def _ending(detail: dict[str, Any]) -> str:
    if detail["signal"] is not None:
        return f"signal {detail['signal']}"
    return "an unknown code" if detail["code"] is None else f"code {detail['code']}"


def _key(event: dict[str, Any]) -> str:
    return f"{event['at']} {event['kind']} {event['instance']} {event['detail']}"


def _who(span: dict[str, Any]) -> str:
    return f"{span['instance']} " if span.get("instance") else ""
