"""``booty down``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place

FORCED = 9


@click.command("down", short_help="Stop everything; data is kept.")
@click.option("--timeout", type=float, metavar="S", help="Seconds to wait; stopping goes on.")
@click.pass_context
def command(ctx: click.Context, timeout: float | None) -> int:
    """Stop everything, supervisor included; data is kept.

    Says how each ended. Exit status 9 if something had to be killed.

    Example: booty down
    """
    report = stop(common.place(ctx), timeout)
    if common.as_json(ctx):
        common.emit({"format": 1, "report": report})
    elif report is None:
        click.echo("nothing runs", err=True)
    else:
        tell(report)
        click.echo("down; data is kept", err=True)
    return FORCED if any(row["how"] == "killed" for row in report or ()) else 0


def stop(found: Place, timeout: float | None = None) -> list[dict[str, Any]] | None:
    """Stop a stack; ``None`` if none runs.

    Raises:
        StopError: it takes longer than ``timeout``.
    """
    from booty.errors import StopError, from_data
    from booty.supervise import client

    try:
        with client.connect(found.state) as link:
            report: list[dict[str, Any]] = link.request("down", timeout=timeout)["report"]
            return report
    except client.ControlError as error:
        if error.reference == "not-running":
            return _unwatched(found)
        if error.reference == "supervisor-silent":
            raise StopError(
                f"cannot wait any longer: the stack is not down after {timeout:g} s",
                reference="down-timeout",
                hint="booty down waits again",
            ) from error
        raise from_data(error.data) from error


def _unwatched(found: Place) -> list[dict[str, Any]] | None:
    # both watchers were killed: a new supervisor adopts what runs, and stops it
    from booty.supervise import launch, state

    saved = state.read(found.state)
    stack = saved["stack"]
    if stack is None or not any(row.get("pid") for row in saved["instances"]):
        return None
    with launch.ensure(
        found.state,
        stack_id=found.id,
        name=stack["stack"]["name"],
        lifetime=stack["lifetime"],
        environment=stack["environment"],
        store=stack["store"],
        root=str(found.root),
    ) as link:
        report: list[dict[str, Any]] = link.request("down")["report"]
        return report


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
