"""``booty rollback``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place
    from booty.stack.rollback import Rollback

UP = {
    "detach": True,
    "profiles": (),
    "timeout": None,
    "remove": False,
    "replan": False,
    "keep": False,
    "ports": None,
    "watch": False,
    "lifetime": None,
}
"""What `up` is asked for besides."""


@click.command("rollback", short_help="Go back to the versions that ran before.")
@click.argument("name", required=False, default="", shell_complete=common.service_names)
@click.option("--timeout", type=common.Seconds(), metavar="T", help="How long to wait for it.")
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    shell_complete=common.service_names,
    help="Accept what moves or loses data.",
)
@click.pass_context
def command(
    ctx: click.Context, /, name: str, *, timeout: float | None, accept: tuple[str, ...]
) -> int:
    """Write the former lock back to booty.lock, and let what runs follow it.

    The former lock is the newest with which the stack was ready and that has other versions than
    booty.lock; with NAME only the part of that service or component goes back. A second rollback
    goes forward again. An older program is not started on data that a newer one wrote, unless it
    says that it can: then nothing is changed.

    Example: booty rollback bus
    """
    from booty.run import whole
    from booty.stack import rollback

    begin = time.monotonic()
    place = common.place(ctx)
    found = rollback.former(place, name)
    before = place.lock.read_bytes() if place.lock.exists() else None
    if not common.quiet(ctx):
        for component, (old, new) in found.moves.items():
            click.echo(f"{component}: {old or 'none'} -> {new}", err=True)
    found.lock.write(place.lock)
    try:
        return _follow(ctx, place, found, {**UP, "timeout": timeout, "accept": accept}, begin)
    except BaseException:
        # what cannot be planned has changed nothing
        if before is None:
            place.lock.unlink(missing_ok=True)
        else:
            whole.replace(place.lock, before, 0o666)
        raise


def _follow(
    ctx: click.Context, place: Place, found: Rollback, options: dict[str, object], begin: float
) -> int:
    from booty.run import locks

    if locks.held(str(place.state / "supervisor.lock")):
        from booty.cli.up import Up
        from booty.stack import plans

        without = plans.without(place)
        return Up(ctx, place, (), {**options, "without": without}, begin).run()
    _see(place)
    if common.as_json(ctx):
        moves = {name: {"old": old, "new": new} for name, (old, new) in found.moves.items()}
        common.emit({"format": 1, "programs": moves, "running": False})
    else:
        click.echo(f"{place.lock} written; nothing runs: booty up starts it", err=True)
    return 0


def _see(place: Place) -> None:
    # nothing is started and nothing fetched: what would be refused then is refused now
    from booty.stack.choice import Choice
    from booty.stack.planning import Planning

    Planning(place=place, stack_id=place.id, choice=Choice(), dry=True).make()
