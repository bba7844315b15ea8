"""``booty exec``."""

from __future__ import annotations

import os
import sys

import click

from booty.cli import common
from booty.cli.run import RAW, cannot_run


@click.command(
    "exec", short_help="Run a command in a service's own surroundings.", context_settings=RAW
)
@click.argument("name", shell_complete=common.service_names)
@click.argument("argv", nargs=-1, required=True, metavar="-- CMD...")
@click.pass_context
def command(ctx: click.Context, name: str, argv: tuple[str, ...]) -> None:
    """Run a command in an instance's own folder, with its environment and credentials.

    Example: booty exec bus -- ls
    """
    from booty.stack import resolve

    argv = argv[1:] if argv[0] == "--" else argv
    cwd, env = resolve.own_environment(common.place(ctx), name)
    sys.stdout.flush()
    try:
        os.chdir(cwd)
        os.execvpe(argv[0], argv, env)  # noqa: S606 - that is what was asked for
    except OSError as error:
        raise cannot_run(argv[0], error) from error
