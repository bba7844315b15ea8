"""``booty reload``."""

from __future__ import annotations

import click

from booty.cli import common

FAILED = 7


@click.command("reload", short_help="Let services read their configuration again.")
@common.names_argument()
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Let services read their configuration again. Without NAME: all that can.

    One that is named and cannot reload, or does not, is restarted, and said so. Without NAME it
    runs on as it was, and the exit status is 7.

    Example: booty reload web
    """
    found = common.place(ctx)
    answer = common.ask(found, "reload", names=list(names) or None)
    done, refused = answer["reloaded"], answer.get("refused") or []
    restart = [name for name, reloaded in done.items() if names and not reloaded]
    if restart:
        common.ask(found, "restart", names=restart)
        common.ask(found, "wait", names=restart, **{"for": "ready"})
    if common.as_json(ctx):
        common.emit({"format": 1, "reloaded": [n for n in done if done[n]], "restarted": restart})
    elif not common.quiet(ctx):
        _tell(done, restart, refused)
    return FAILED if refused and not names else 0


def _tell(done: dict[str, bool], restart: list[str], refused: list[str]) -> None:
    for name, reloaded in done.items():
        if reloaded:
            click.echo(f"{name} reloaded", err=True)
        elif name in restart:
            how = "did not reload" if name in refused else "cannot reload"
            click.echo(f"{name} {how}: restarted", err=True)
        elif name in refused:
            click.echo(f"{name} did not reload, and runs as before: booty logs {name}", err=True)
    if not refused and not restart and not any(done.values()):
        click.echo("nothing here can reload; booty restart NAME restarts", err=True)
