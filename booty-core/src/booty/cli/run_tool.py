"""``booty run-tool``."""

from __future__ import annotations

import os
import sys

import click

from booty.cli import common
from booty.cli.run import RAW, cannot_run
from booty.cli.which import place_or_none


@click.command("run-tool", short_help="Run a program out of the store.", context_settings=RAW)
@click.argument("name", metavar="BINARY[@V]", shell_complete=common.service_names)
@click.argument("argv", nargs=-1, metavar="-- ARGS...")
@click.pass_context
def command(ctx: click.Context, name: str, argv: tuple[str, ...]) -> None:
    """Run a program out of the store with ARGS; fetched if it is not there.

    BINARY is what `which` takes. Its exit status is the command's. What belongs to the file is
    locked; with @V the lock is left alone.

    Example: booty run-tool nats-server -- --version
    """
    from booty.cli.progress import Fetching
    from booty.stack import tools

    argv = argv[1:] if argv[:1] == ("--",) else argv
    found = tools.find(place_or_none(ctx), name)
    with Fetching(quiet=common.quiet(ctx)) as screen:
        artifact = tools.get(found, screen.tell)
    words = [*tools.argv(found, artifact), *argv]
    sys.stdout.flush()
    try:
        os.execv(words[0], words)  # noqa: S606 - that is what was asked for
    except OSError as error:
        raise cannot_run(words[0], error) from error
