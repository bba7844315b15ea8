"""``booty self-restart``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place


@click.command("self-restart", short_help="Replace guardian and supervisor; services go on.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Replace guardian and supervisor by those of the booty installed now; services go on.

    Example: booty self-restart
    """
    found = common.place(ctx)
    with common.connect(found) as link:
        before = dict(link.hello)
    after = _replaced(ctx, before["pid"])
    if common.as_json(ctx):
        common.emit({"format": 1, "before": before, "after": after})
    elif not common.quiet(ctx):
        click.echo(
            f"supervisor {before['pid']} ({before['version']}) is followed by {after['pid']}"
            f" ({after['version']}); nothing was restarted",
            err=True,
        )


def _replaced(ctx: click.Context, pid: int) -> dict[str, object]:
    found = common.place(ctx)
    common.ask(found, "self-restart")
    # the guardian keeps the socket: who is taken by the old one asks again
    while (after := _another(found, pid)) is None:
        pass
    return after


def _another(found: Place, pid: int) -> dict[str, object] | None:
    from booty.errors import BootyError
    from booty.supervise.client import ControlError

    try:
        with common.connect(found) as link:
            if link.hello["pid"] != pid:
                return dict(link.hello)
            while link.receive() is not None:
                pass  # until the old one hangs up
    except (BootyError, ControlError) as error:
        if error.reference != "connection-lost":
            raise
    return None
