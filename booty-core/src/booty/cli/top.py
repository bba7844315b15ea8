"""``booty top``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from booty.cli import common

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.run.usage import Usage
    from booty.stack.place import Place

HEAD: Final = ("INSTANCE", "STATE", "PID", "CPU", "MEMORY", "FILES", "THREADS", "PROCS", "RESTARTS",
               "UP")  # fmt: skip
UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
KILO: Final = 1024
SMALL: Final = 10
"""Below it a number gets a decimal."""


@click.command("top", short_help="Show what services use: CPU, memory, descriptors.")
@common.names_argument()
@click.option("--once", is_flag=True, help="Show one table and end.")
@click.option(
    "--interval",
    type=common.Seconds(),
    default="1s",
    show_default=True,
    metavar="T",
    help="Time over which CPU is measured, and between tables.",
)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], once: bool, interval: float) -> None:
    """Show what services use, with all processes below them; the busiest first.

    On a terminal the table is shown again and again until q or ctrl-C; elsewhere once.

    Example: booty top --once
    """
    import sys

    from booty.supervise.screen import Screen

    place = common.place(ctx)
    chosen = common.instance_names(place, names)
    if not chosen:
        common.tell_nothing(place)
    if once or common.as_json(ctx) or not Screen(sys.stdout).live:
        _once(ctx, place, chosen, interval)
    else:
        _again(place, chosen, interval)


def _once(ctx: click.Context, place: Place, names: list[str], interval: float) -> None:
    import select

    from booty.run.signals import wakeup

    before = _Look(place)
    select.select([wakeup()], [], [], interval)
    rows = _Look(place).since(before, names)
    if common.as_json(ctx):
        common.emit({"format": 1, "instances": rows})
    else:
        click.echo("\n".join(_lines(rows)))


def _again(place: Place, names: list[str], interval: float) -> None:
    from booty.supervise.panel import Panel

    before = _Look(place)
    with Panel() as panel:
        rows = before.since(before, names)
        while not panel.left:
            panel.draw(_lines(rows))
            panel.wait([], max(0.0, before.at + interval - time.monotonic()))
            if time.monotonic() >= before.at + interval:
                look = _Look(place)
                rows, before = look.since(before, names), look


class _Look:
    """What a stack uses at one moment."""

    def __init__(self, place: Place) -> None:
        from booty.run import usage
        from booty.supervise import listing, state

        self._rows = listing.listing(place.state, str(place.root))["services"]
        stack = state.read(place.state)["stack"] or {}
        self._own = [one["pid"] for one in (stack.get("guardian"), stack.get("supervisor")) if one]
        self.at = time.monotonic()
        self.usage = usage.of([*(row["pid"] for row in self._rows if row["pid"]), *self._own])

    def since(self, before: _Look, names: list[str]) -> list[dict[str, Any]]:
        """Return rows for ``--json``: the busiest first, those who watch at the end."""
        seconds = max(self.at - before.at, 0.001)
        found = [
            _row(one, self.usage.get(one["pid"]), before.usage.get(one["pid"]), seconds)
            for one in self._rows
            if one["instance"] in names
        ]
        found.sort(key=lambda row: (-(row["cpu"] or 0), -(row["memory"] or 0), row["instance"]))
        own = [pid for pid in self._own if pid in self.usage]
        return [*found, *(self._watcher(pid, before, seconds) for pid in own)]

    def _watcher(self, pid: int, before: _Look, seconds: float) -> dict[str, Any]:
        name = "guardian" if pid == self._own[0] and len(self._own) > 1 else "supervisor"
        one = {"instance": f"({name})", "state": "", "pid": pid, "since": None, "restarts": 0}
        return _row(one, self.usage[pid], before.usage.get(pid), seconds)


def _row(
    one: Mapping[str, Any], now: Usage | None, before: Usage | None, seconds: float
) -> dict[str, Any]:
    # a process that ended meanwhile takes its time with it: never less than nothing
    cpu = max(0.0, now.cpu - before.cpu) / seconds if now and before else None
    return {
        **{key: one[key] for key in ("instance", "state", "pid", "since", "restarts")},
        "cpu": None if cpu is None else round(100 * cpu, 1),
        "memory": now.memory if now else None,
        "descriptors": now.descriptors if now else None,
        "threads": now.threads if now else None,
        "processes": now.processes if now else None,
    }


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    return common.table(HEAD, [_cells(row) for row in rows]).splitlines()


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    counts = (row[key] for key in ("descriptors", "threads", "processes"))
    return (
        row["instance"],
        row["state"],
        str(row["pid"] or ""),
        "" if row["cpu"] is None else f"{row['cpu']:.1f} %",
        "" if row["memory"] is None else _size(row["memory"]),
        *("" if count is None else str(count) for count in counts),
        str(row["restarts"] or ""),
        _age(row["since"]) if row["pid"] else "",
    )


def _size(count: float) -> str:
    for unit in UNITS[:-1]:
        if count < KILO:
            return f"{count:.0f} {unit}" if count >= SMALL or unit == "B" else f"{count:.1f} {unit}"
        count /= KILO
    return f"{count:.1f} {UNITS[-1]}"


def _age(since: str | None) -> str:
    import datetime as dt

    if since is None:
        return ""
    seconds = int((dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(since)).total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60}m"
    return f"{minutes}m {seconds % 60}s" if minutes else f"{max(0, seconds)}s"
