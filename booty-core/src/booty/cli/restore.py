"""``booty restore``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("restore", short_help="Put back what backup wrote.")
@click.argument("name", shell_complete=common.service_names)
@click.argument("source", metavar="IN", type=click.Path())
@click.pass_context
def command(ctx: click.Context, name: str, source: str) -> None:
    """Put back into a running service what backup wrote; what is there already is left alone.

    Example: booty restore files saved
    """
    import anyio

    from booty.stack import saving

    head = anyio.run(saving.restore, common.place(ctx), name, source)
    if common.as_json(ctx):
        common.emit(head)
    else:
        click.echo(f"restored {name} from {source}, of {head['at']}", err=True)
