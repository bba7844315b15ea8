"""``booty ps``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place

FAILED = 3
"""Instances at most of which is said what to do."""


@click.command("ps", short_help="Show what runs, and where.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what runs, and where. Reads files only, asks nobody, writes nothing.

    Example: booty ps --json
    """
    place = common.place(ctx)
    found = _found(place)
    if common.as_json(ctx):
        common.emit(found)
        return
    rows = [cells for row in _grouped(found["services"]) for cells in row]
    head = ("SERVICE", "STATE", "PID", "SINCE", "RESTARTS", "URL", "REASON")
    click.echo(common.table(head, rows))
    _tell(found, place)


def _found(place: Place) -> dict[str, Any]:
    from booty.stack import full
    from booty.supervise import listing

    found = listing.listing(place.state, str(place.root), place.root.name)
    if not found["services"] and not place.id:
        from booty.stack import removed

        if lost := removed.listing(place):
            click.echo(f"{removed.words(place)}; booty down ends what runs", err=True)
            return lost
    elif found["supervisor"] and full.is_full(place):
        click.echo(f'no room in "{place.state}": states are asked for, not read', err=True)
        return full.corrected(found, place)
    return found


def _grouped(services: list[dict[str, Any]]) -> list[list[tuple[str, ...]]]:
    from booty.supervise.listing import worst

    names = dict.fromkeys(row["name"] for row in services)
    groups = []
    for name in names:
        own = [row for row in services if row["name"] == name]
        if len(own) == 1:
            groups.append([_cells(name, own[0])])
            continue
        state = worst([row["state"] for row in own])
        head = (name, state, "", "", str(sum(row["restarts"] for row in own)), "", "")
        groups.append([head, *(_cells(f"  {row['instance']}", row) for row in own)])
    return groups


def _cells(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        row["state"],
        str(row["pid"] or ""),
        _since(row["since"]),
        str(row["restarts"] or ""),
        " ".join(row["urls"].values()),
        _reason(row),
    )


def _since(stamp: str | None) -> str:
    # local time, with its date when that is not today
    if not stamp:
        return ""
    import datetime as dt

    then = dt.datetime.fromisoformat(stamp).astimezone()
    today = then.date() == dt.datetime.now(dt.UTC).astimezone().date()
    return then.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")


def _reason(row: dict[str, Any]) -> str:
    if row["reason"]:
        return str(row["reason"])
    health = row["health"] or {}
    if health.get("good") is False:
        return str(health.get("reason") or "not good")
    ended = row["exit"]
    if not ended or (row["state"] not in {"failed", "backoff"} and not row["restarts"]):
        return ""
    how = f"signal {ended['signal']}" if ended["signal"] else f"code {ended['code']}"
    return how if row["state"] in {"failed", "backoff"} else f"restarted after {how}"


def _tell(found: dict[str, Any], place: Place) -> None:
    if found["unwatched"]:
        click.echo("unwatched: no supervisor; booty up adopts what runs", err=True)
    elif not found["services"]:
        click.echo("never up; booty up -d", err=True)
    elif found["supervisor"] is None and any(row["pid"] for row in found["services"]):
        click.echo(_unseen(place), err=True)
    elif found["supervisor"] is None:
        click.echo("not running; booty up -d", err=True)
    else:
        _tell_failed([row["instance"] for row in found["services"] if row["state"] == "failed"])


def _unseen(place: Place) -> str:
    from booty.supervise import state

    stack = state.read(place.state)["stack"]
    if stack and stack.get("damaged"):
        return "state/stack.json is damaged; booty up writes it anew"
    return "the supervisor has died; its successor is on its way"


def _tell_failed(names: list[str]) -> None:
    for name in names[:FAILED]:
        click.echo(f"{name} failed: booty logs {name}, then booty start {name}", err=True)
