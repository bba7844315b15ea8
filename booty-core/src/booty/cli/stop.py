"""``booty stop``."""

from __future__ import annotations

import click

from booty.cli import common
from booty.cli.down import FORCED, tell


@click.command("stop", short_help="Stop services, those that need them first.")
@common.names_argument(required=True)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Stop services, those that need them first; remembered until the next up.

    Example: booty stop web
    """
    found = common.place(ctx)
    report = common.ask(found, "stop", names=list(names))["report"]
    if common.as_json(ctx):
        common.emit({"format": 1, "report": report})
    else:
        tell(report)
    return FORCED if any(row["how"] == "killed" for row in report) else 0
