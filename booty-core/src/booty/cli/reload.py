"""``booty reload``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("reload", short_help="Let services read their configuration again.")
@common.names_argument()
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Let services read their configuration again. Without NAME: all that can.

    One that is named and cannot reload is restarted, and said so.

    Example: booty reload web
    """
    found = common.place(ctx)
    done = common.ask(found, "reload", names=list(names) or None)["reloaded"]
    restart = [name for name, reloaded in done.items() if names and not reloaded]
    if restart:
        common.ask(found, "restart", names=restart)
        common.ask(found, "wait", names=restart, **{"for": "ready"})
    if common.as_json(ctx):
        common.emit({"format": 1, "reloaded": [n for n in done if done[n]], "restarted": restart})
    elif not common.quiet(ctx):
        _tell(done, restart)
    return 0


def _tell(done: dict[str, bool], restart: list[str]) -> None:
    for name, reloaded in done.items():
        if reloaded:
            click.echo(f"{name} reloaded", err=True)
        elif name in restart:
            click.echo(f"{name} cannot reload: restarted", err=True)
    if not restart and not any(done.values()):
        click.echo("nothing here can reload; booty restart NAME restarts", err=True)
