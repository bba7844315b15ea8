"""``booty backup``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("backup", short_help="Write a service's data to a folder.")
@click.argument("name", shell_complete=common.service_names)
@click.argument("out", type=click.Path())
@click.pass_context
def command(ctx: click.Context, name: str, out: str) -> None:
    """Write the data of a running service to a new folder: whole, or not at all.

    Example: booty backup files saved
    """
    import anyio

    from booty.stack import saving

    head = anyio.run(saving.backup, common.place(ctx), name, out)
    if common.as_json(ctx):
        common.emit(head)
    else:
        click.echo(f"wrote {out}: {head['service']}, by {head['component']}", err=True)
