"""``booty health``."""

from __future__ import annotations

import click

from booty.cli import common

UNHEALTHY = 8


@click.command("health", short_help="Look at the services now.")
@common.names_argument()
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Look at the services now: alive, ready, good (does its job). Exit status 8 if one is not.

    Example: booty health bus
    """
    found = common.ask(common.place(ctx), "health", names=list(names) or None)["health"]
    if common.as_json(ctx):
        common.emit({"format": 1, "health": found})
    else:
        rows = [
            (name, *(_word(one[key]) for key in ("alive", "ready", "good")), one["reason"] or "")
            for name, one in found.items()
        ]
        click.echo(common.table(("INSTANCE", "ALIVE", "READY", "GOOD", "REASON"), rows))
    bad = [one for one in found.values() if one["good"] is False and one["reason"] != "done"]
    return UNHEALTHY if bad else 0


def _word(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]
