"""``booty wait``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("wait", short_help="Wait until services are ready, good, stopped or done.")
@common.names_argument(required=True)
@click.option(
    "--for",
    "wanted",
    type=click.Choice(["ready", "good", "stopped", "done"]),
    default="ready",
    show_default=True,
)
@click.option(
    "--timeout",
    type=common.Seconds(),
    metavar="T",
    help="How long to wait; exit status 8 after it.",
)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], wanted: str, timeout: float | None) -> None:
    """Wait until services are ready, good, stopped or done.

    Example: booty wait bus --for good --timeout 30
    """
    place = common.place(ctx)
    common.ask(place, "wait", names=list(names), limit=timeout, **{"for": wanted})
    if common.as_json(ctx):
        common.emit({"format": 1, "names": list(names), "state": wanted})
