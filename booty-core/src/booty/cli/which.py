"""``booty which``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place


@click.command("which", short_help="Print the path of a program in the store.")
@click.argument("name", metavar="BINARY[@V]", shell_complete=common.service_names)
@click.pass_context
def command(ctx: click.Context, name: str) -> None:
    """Print the path of a program in the store; nothing is fetched or written.

    BINARY is a service or tool of the file, a component or its program, or another executable that
    came in the same archive. One that is not there ends with status 5.

    Example: booty which nats-server
    """
    from booty.stack import tools

    found = tools.find(place_or_none(ctx), name)
    artifact = tools.there(found)
    argv = tools.argv(found, artifact)
    if common.as_json(ctx):
        common.emit({"format": 1, "key": artifact.key, "argv": argv, "trust": artifact.trust})
        return
    click.echo(argv[0])


def place_or_none(ctx: click.Context) -> Place | None:
    """Return the stack that the command is about; ``None`` where there is none."""
    from booty.errors import ConfigError

    try:
        return common.place(ctx)
    except ConfigError as error:
        if error.reference == "no-file" and common.chosen_nothing(ctx):
            return None
        raise
