"""``booty lock``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("lock", short_help="Write booty.lock.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Write booty.lock: the exact version of every program, its source, digest and trust.

    Programs that are not in the store are fetched for it; versions that are locked stay.

    Example: booty lock
    """
    from booty.cli.progress import Fetching
    from booty.stack import fetching

    place = common.place(ctx)
    with Fetching(quiet=common.quiet(ctx)) as screen:
        _, lock = fetching.fetch_all(place, (), screen.tell)
    written = lock.write(place.lock)
    if common.as_json(ctx):
        versions = {name: list(known) for name, known in lock.versions.items()}
        common.emit({"format": 1, "versions": versions, "written": written})
    else:
        for name, known in lock.versions.items():
            click.echo(f"{name} {', '.join(known)}")
        click.echo(f"{place.lock} {'written' if written else 'is as it was'}", err=True)
