"""``booty describe``."""

from __future__ import annotations

from typing import Any, Final

import click

from booty.cli import common


@click.command("describe", short_help="Show all about one service.")
@click.argument("name", shell_complete=common.service_names)
@click.pass_context
def command(ctx: click.Context, name: str) -> None:
    """Show all about one service or instance; URLs without credentials.

    Example: booty describe bus
    """
    from booty.supervise import listing, state

    place = common.place(ctx)
    chosen = set(common.instance_names(place, (name,)))
    saved = state.read(place.state)
    sheet = listing.sheet_of(place.state, saved["stack"])
    rows = listing.listing(place.state, str(place.root))["services"]
    entries = {entry["name"]: entry for entry in sheet["instances"]}
    found = [
        _one(place, row, entries[row["instance"]]) for row in rows if row["instance"] in chosen
    ]
    if common.as_json(ctx):
        common.emit({"format": 1, "instances": found})
        return
    for one in found:
        for key, value in ((key, value) for key, value in one.items() if value not in _EMPTY):
            click.echo(f"{key.replace('_', ' '):>12}  {_words(value)}")
        click.echo()


_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def _one(place: Any, row: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    upper = row["name"].replace("-", "_").upper()
    return {
        **row,
        "version": entry["version"],
        "kind": entry["kind"],
        "needs": [
            f"{need['service']} until {need['until']} ({need['reason']})" for need in entry["needs"]
        ],
        "restart": entry["restart"]["policy"],
        "stop": f"{entry['stop']['signal']}, {entry['stop']['grace']:g} s",
        "variables": [f"{upper}_{part}" for part in ("URL", "HOST", "PORT") if row["urls"]],
        "data": str(place.state / "data" / row["instance"]),
        "config": str(place.state / "config" / row["instance"]),
    }


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
