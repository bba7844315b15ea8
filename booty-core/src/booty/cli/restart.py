"""``booty restart``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("restart", short_help="Restart services.")
@common.names_argument(required=True)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Restart services and wait until they are ready.

    Example: booty restart web
    """
    found = common.place(ctx)
    answer = common.ask(found, "restart", names=list(names))
    # with whoever asked to be restarted too
    others = [one["instance"] for one in answer["changes"] if one["action"] == "restart"]
    common.ask(found, "wait", names=[*names, *others], **{"for": "ready"})
    if common.as_json(ctx):
        common.emit({"format": 1, "changes": answer["changes"]})
    elif not common.quiet(ctx):
        click.echo(f"{', '.join(names)} ready", err=True)
    return 0
