"""``booty providers``."""

from __future__ import annotations

from typing import Any

import click

from booty.cli import common


@click.command("providers", short_help="List the installed providers.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the installed providers and their components; a broken one is marked, the rest listed.

    Example: booty providers
    """
    from booty import providers

    rows = [_one(one) for one in providers.installed().values()]
    if common.as_json(ctx):
        common.emit({"format": 1, "providers": rows})
        return
    cells = [
        (
            row["name"],
            f"{row['distribution']} {row['version']}",
            row["error"] or ", ".join(_words(one) for one in row["components"]),
        )
        for row in rows
    ]
    click.echo(common.table(("PROVIDER", "FROM", "COMPONENTS"), cells))


def _one(listed: Any) -> dict[str, Any]:
    from booty import providers
    from booty.errors import BootyError

    row = {
        "name": listed.name,
        "module": listed.module,
        "distribution": listed.distribution,
        "version": listed.version,
        "error": None,
        "components": [],
    }
    try:
        loaded = providers.load(listed.name)
    except BootyError as error:
        return {**row, "error": f"broken: {error.message}", "hint": error.hint}
    components = [
        {"id": one.id, "summary": one.summary, "versions": list(one.versions)}
        for one in loaded.components.values()
    ]
    return {**row, "components": components, "hooks": sorted(loaded.hooks)}


def _words(component: dict[str, Any]) -> str:
    versions = component["versions"]
    return f"{component['id']} {versions[0]}" if versions else str(component["id"])
