"""``booty ports``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booty.run.ports import Listening


@click.command("ports", short_help="Show the ports of all stacks.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the ports of all stacks of this user, and who holds them now.

    With --stack or --file those of one stack. A stack keeps its ports while it is stopped; they are
    free again when it is destroyed, or its folder is gone.

    Example: booty ports
    """
    rows = sorted(_rows(common.chosen(ctx)), key=lambda row: (row["port"], row["root"]))
    if common.as_json(ctx):
        common.emit({"format": 1, "ports": rows})
        return
    click.echo(common.table(("PORT", "STACK", "FOR", "HELD BY"), [_cells(row) for row in rows]))


def _rows(root: str | None) -> Iterator[dict[str, Any]]:
    from booty.run.ports import busy_ports
    from booty.stack.place import leases

    tables = {protocol: busy_ports(protocol) for protocol in ("tcp", "udp")}
    for one in leases():
        for key, number in one["ports"].items() if root in {None, one["root"]} else ():
            instance, _, name = key.partition("/")
            whose = {"port": number, "stack": one["name"], "root": one["root"]}
            yield {**whose, "instance": instance, "name": name, **_holder(tables, number)}


def _holder(tables: dict[str, Listening], number: int) -> dict[str, Any]:
    from booty.run import owner

    for protocol, busy in tables.items():
        if number in busy:
            pid = busy.pid(number)
            found = owner.of(pid) if pid else {}
            by = {"root": found.get("root"), "instance": found.get("instance")}
            return {"protocol": protocol, "pid": pid, "by": by, "held": busy[number]}
    return {"protocol": None, "pid": None, "by": None, "held": None}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    udp = " (udp)" if row["protocol"] == "udp" else ""
    held = f"{row['held']}{udp}" if row["held"] else ""
    return str(row["port"]), row["stack"], f"{row['instance']} {row['name']}", held
