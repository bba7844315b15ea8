"""``booty lock``."""

from __future__ import annotations

import click

from booty.cli import common


@click.command("lock", short_help="Write booty.lock.")
@click.option("--frozen", is_flag=True, help="Only see whether it would have to change.")
@click.pass_context
def command(ctx: click.Context, /, *, frozen: bool) -> None:
    """Write booty.lock: the exact version of every program, its source, digest and trust.

    Programs that are not in the store are fetched for it; versions that are locked stay. What
    version control could not merge is merged: both sides are taken.

    Example: booty lock
    """
    from booty.cli.progress import Fetching
    from booty.stack import fetching

    place = common.place(ctx)
    if frozen:
        asked = fetching.wanted(place)
        fetching.refuse_drift(asked)
        lock = asked.lock
    else:
        with Fetching(quiet=common.quiet(ctx)) as screen:
            _, lock = fetching.fetch_all(place, (), screen.tell, merging=True)
    written = not frozen and lock.write(place.lock)
    if common.as_json(ctx):
        versions = {name: list(known) for name, known in lock.versions.items()}
        common.emit({"format": 1, "versions": versions, "written": written})
    else:
        for name, known in lock.versions.items():
            click.echo(f"{name} {', '.join(known)}")
        click.echo(f"{place.lock} {'written' if written else 'is as it was'}", err=True)
