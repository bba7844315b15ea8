"""``booty down``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("down", short_help="Stop everything; data is kept.")
@click.option(
    "--timeout", type=common.Seconds(), metavar="T", help="How long to wait; stopping goes on."
)
@click.pass_context
def command(ctx: click.Context, timeout: float | None) -> int:
    """Stop everything, supervisor included; data is kept.

    Says how each ended. Exit status 9 if something had to be killed.

    Example: booty down
    """
    from booty.stack import ending, parting

    report = ending.down(common.place(ctx), timeout)
    return parting.say(report, as_json=common.as_json(ctx))
