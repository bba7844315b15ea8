"""``booty stop``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("stop", short_help="Stop services, those that need them first.")
@common.names_argument(required=True)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Stop services, those that need them first; remembered until the next up.

    Example: booty stop web
    """
    from booty.stack import parting

    found = common.place(ctx)
    report = common.ask(found, "stop", names=list(names))["report"]
    if common.as_json(ctx):
        common.emit({"format": 1, "report": report})
    else:
        click.echo(parting.table(report), nl=False)
    return parting.status(report)
