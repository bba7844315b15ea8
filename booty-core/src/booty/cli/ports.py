"""``booty ports``."""

from __future__ import annotations

from typing import Any

import click

from booty.cli import common


@click.command("ports", short_help="Show the ports of all stacks.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the ports of all stacks of this user, and who holds them now.

    Example: booty ports
    """
    from booty.run.ports import busy_ports
    from booty.stack.place import registered

    busy = busy_ports()
    rows = [
        {
            "port": number,
            "stack": one["name"],
            "root": one["root"],
            "instance": key.partition("/")[0],
            "name": key.partition("/")[2],
            "held": busy.get(number),
        }
        for one in registered()
        for key, number in one.get("ports", {}).items()
    ]
    rows.sort(key=lambda row: (row["port"], row["root"]))
    if common.as_json(ctx):
        common.emit({"format": 1, "ports": rows})
        return
    click.echo(common.table(("PORT", "STACK", "FOR", "HELD BY"), [_cells(row) for row in rows]))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return str(row["port"]), row["stack"], f"{row['instance']} {row['name']}", row["held"] or ""
