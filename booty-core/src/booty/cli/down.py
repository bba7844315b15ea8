"""``booty down``."""

from __future__ import annotations

from typing import Any

import click

from booty.cli import common

FORCED = 9


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
    from booty.stack import ending

    report = ending.down(common.place(ctx), timeout)
    if common.as_json(ctx):
        common.emit({"format": 1, "report": report})
    elif report is None:
        click.echo("nothing runs", err=True)
    else:
        tell(report)
        click.echo("down; data is kept", err=True)
    return FORCED if any(row["how"] == "killed" for row in report or ()) else 0


def tell(report: list[dict[str, Any]]) -> None:
    """Print how each instance ended."""
    words = {"clean": "ended well", "code": "ended", "killed": "killed at the end of its grace"}
    rows = [
        (row["instance"], words[row["how"]], _code(row), f"{row['seconds']:.2f} s")
        for row in report
    ]
    if rows:
        click.echo(common.table(("INSTANCE", "HOW", "CODE", "TOOK"), rows))


def _code(row: dict[str, Any]) -> str:
    if row["code"] is not None:
        return str(row["code"])
    return f"signal {row['signal']}" if row["signal"] else "unknown"
