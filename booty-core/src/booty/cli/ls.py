"""``booty ls``."""

from __future__ import annotations

from pathlib import Path
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
    from booty.stack.place import read
    from booty.supervise import state

    folder = Path(entry.get("state") or Path(entry["root"]) / ".booty")
    found = {"id": entry["id"], "name": entry["name"], "root": entry["root"], "running": 0}
    if read(folder / "id").get("id") != entry["id"]:
        return {**found, **_lost(entry, folder)}
    saved = state.read(folder)
    running = sum(1 for row in saved["instances"] if row.get("pid"))
    stack = saved["stack"] or {}
    if stack.get("unwatched"):
        word = "unwatched"
    else:
        word = "running" if stack.get("supervisor") else "stopped"
    return {**found, "running": running, "state": word}


def _lost(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    # without its files only its supervisor knows what runs
    from booty.stack import removed
    from booty.stack.place import Place, entry_without_state

    root = Path(entry["root"])
    lost = entry_without_state(root)
    if lost is None or lost["id"] != entry["id"]:
        return {"state": "gone"}
    told = removed.listing(Place(root, root / "booty.toml", folder)) or {"services": []}
    running = sum(1 for row in told["services"] if row["pid"])
    return {"state": "running without its folder", "running": running}
