"""``booty ls``."""

from __future__ import annotations

from typing import Any

import click

from booty.cli import common


@click.command("ls", short_help="List every stack of this user.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """List every stack of this user on this machine.

    Example: booty ls
    """
    from booty.stack.place import registered

    rows = [_one(one) for one in registered()]
    if common.as_json(ctx):
        common.emit({"format": 1, "stacks": rows})
        return
    cells = [(row["name"], row["state"], str(row["running"]), row["root"]) for row in rows]
    click.echo(common.table(("STACK", "STATE", "RUNNING", "ROOT"), cells))


def _one(entry: dict[str, Any]) -> dict[str, Any]:
    from pathlib import Path

    from booty.stack.place import entry_without_state, read
    from booty.supervise import state

    folder = Path(entry.get("state") or Path(entry["root"]) / ".booty")
    found = {"id": entry["id"], "name": entry["name"], "root": entry["root"], "running": 0}
    if read(folder / "id").get("id") != entry["id"]:
        lost = entry_without_state(Path(entry["root"]))
        here = lost is not None and lost["id"] == entry["id"]
        return {**found, "state": "running without its folder" if here else "gone"}
    saved = state.read(folder)
    running = sum(1 for row in saved["instances"] if row.get("pid"))
    stack = saved["stack"] or {}
    if stack.get("unwatched"):
        word = "unwatched"
    else:
        word = "running" if stack.get("supervisor") else "stopped"
    return {**found, "running": running, "state": word}
