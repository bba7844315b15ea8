"""``booty start``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("start", short_help="Start services with what they need.")
@common.names_argument(required=True)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Start services with what they need, and wait until they are ready.

    Example: booty start web
    """
    found = common.place(ctx)
    answer = common.ask(found, "start", names=list(names))
    common.ask(found, "wait", names=list(names), **{"for": "ready"})
    if common.as_json(ctx):
        common.emit({"format": 1, "changes": answer["changes"]})
    elif not common.quiet(ctx):
        click.echo(f"{', '.join(names)} ready", err=True)
    return 0
