"""``booty lock``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.fetch import Lock
    from booty.stack.place import Place
    from booty.stack.upgrading import Move

UNKNOWN = "unknown"


@click.command("lock", short_help="Write booty.lock.")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=common.service_names)
@click.option("--upgrade", is_flag=True, help="Take the newest tested versions that fit.")
@click.option("--frozen", is_flag=True, help="Only see whether it would have to change.")
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    shell_complete=common.service_names,
    help="Take a version that was withdrawn.",
)
@click.pass_context
def command(ctx: click.Context, /, names: tuple[str, ...], **options: Any) -> None:
    """Write booty.lock: the exact version of every program, its source, digest and trust.

    Programs that are not in the store are fetched for it; versions that are locked stay. What
    version control could not merge is merged: both sides are taken.

    With --upgrade the newest tested versions that fit the file come, of all programs or of the
    services or components NAME. Old and new are shown, with dates and what vouches for them, before
    anything is written; versions that were withdrawn or have vanished are passed over and named.

    Example: booty lock --upgrade bus
    """
    if names and not options["upgrade"]:
        raise click.UsageError("NAME goes with --upgrade: the lock is written as a whole")
    if options["upgrade"] and options["frozen"]:
        raise click.UsageError("--upgrade changes the lock, --frozen refuses that")
    place = common.place(ctx)
    if options["upgrade"]:
        _upgrade(ctx, place, names, options["accept"])
        return
    lock = _frozen(place) if options["frozen"] else _locked(ctx, place, options["accept"])
    written = not options["frozen"] and lock.write(place.lock)
    if common.as_json(ctx):
        versions = {name: list(known) for name, known in lock.versions.items()}
        common.emit({"format": 1, "versions": versions, "written": written})
        return
    for name, known in lock.versions.items():
        click.echo(f"{name} {', '.join(known)}")
    _say_written(place, written)


def _frozen(place: Place) -> Lock:
    from booty.stack import fetching

    asked = fetching.wanted(place)
    fetching.refuse_drift(asked)
    return asked.lock


def _locked(ctx: click.Context, place: Place, accept: tuple[str, ...]) -> Lock:
    from booty.cli.progress import Fetching
    from booty.stack import fetching

    with Fetching(quiet=common.quiet(ctx)) as screen:
        return fetching.fetch_all(place, (), screen.tell, accept=accept, merging=True)[1]


def _upgrade(
    ctx: click.Context, place: Place, names: tuple[str, ...], accept: tuple[str, ...]
) -> None:
    from booty.cli.progress import Fetching
    from booty.stack import upgrading

    with Fetching(quiet=common.quiet(ctx)) as screen:
        moves, lock = upgrading.upgrade(place, names, screen.tell, accept=accept)
    if not common.as_json(ctx):
        head = ("PROGRAM", "OLD", "PUBLISHED", "TRUST", "NEW", "PUBLISHED", "TRUST")
        click.echo(common.table(head, [_cells(one) for one in moves]))
        for note in (f"{one.component}: {note}" for one in moves for note in one.notes):
            click.echo(f"note: {note}", err=True)
    written = lock.write(place.lock)
    if common.as_json(ctx):
        common.emit({"format": 1, "programs": [_row(one) for one in moves], "written": written})
        return
    _say_written(place, written)


def _cells(one: Move) -> tuple[str, ...]:
    new = (one.new, one.new_date or UNKNOWN, one.new_trust or "-")
    old = (one.old or "-", one.old_date or UNKNOWN if one.old else "-", one.old_trust or "-")
    return (one.component, *old, *(new if one.changed else ("the same", "", "")))


def _row(one: Move) -> dict[str, Any]:
    def side(version: str, date: str, trust: str) -> dict[str, Any] | None:
        return {"version": version, "published": date or None, "trust": trust} if version else None

    return {
        "program": one.component,
        "old": side(one.old, one.old_date, one.old_trust),
        "new": side(one.new, one.new_date, one.new_trust),
        "notes": list(one.notes),
    }


def _say_written(place: Place, written: bool) -> None:
    click.echo(f"{place.lock} {'written' if written else 'is as it was'}", err=True)
