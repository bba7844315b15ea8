"""``booty fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.fetch import Outlook, Progress
    from booty.model.plan import Artifact
    from booty.stack.place import Place


@click.command("fetch", short_help="Get programs into the store.")
@click.argument("names", nargs=-1, metavar="NAME[@V]...", shell_complete=common.service_names)
@click.option("--explain", is_flag=True, help="Only say what each source has, and what is taken.")
@click.option("--frozen", is_flag=True, help="Take only what booty.lock holds.")
@click.option(
    "--bundle", type=click.Path(exists=True), metavar="F", help="From a bundle, without a network."
)
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    shell_complete=common.service_names,
    help="Take a version that was withdrawn.",
)
@click.pass_context
def command(ctx: click.Context, /, names: tuple[str, ...], **options: Any) -> None:
    """Get programs into the store: all of the stack, of services, or of components.

    Nothing is started. A component's name, or NAME@V, leaves the lock alone. With --explain
    nothing is fetched or written: it lists for each program the sources, whether it can be had
    from them here and why not, what vouches for it, size and date, and which one would be taken.

    Example: booty fetch nats@2.15.0
    """
    place = _place(ctx, names)
    services = _services(place)
    loose = [name for name in names if name not in services]
    of_stack = [name for name in names if name in services]
    if options["frozen"] and loose:
        raise click.UsageError(f'--frozen is for services of the file; "{loose[0]}" is none')
    if options["bundle"] and loose:
        raise click.UsageError(f'--bundle is for services of the file; "{loose[0]}" is none')
    if options["explain"]:
        _explain(ctx, place, of_stack, loose)
        return
    found, fresh = _fetched(ctx, place, of_stack, loose, options)
    rows = [{**_row(one), "fetched": one.key in fresh} for one in found.values()]
    if common.as_json(ctx):
        common.emit({"format": 1, "artifacts": rows})
        return
    cells = [
        (
            row["key"],
            "fetched" if row["fetched"] else "was there",
            row["source"],
            row["trust"],
            row["path"],
        )
        for row in rows
    ]
    click.echo(common.table(("PROGRAM", "NOW", "SOURCE", "TRUST", "PLACE"), cells))


def _fetched(
    ctx: click.Context,
    place: Place | None,
    of_stack: list[str],
    loose: list[str],
    options: dict[str, Any],
) -> tuple[dict[str, Artifact], set[str]]:
    from booty.cli.progress import Fetching
    from booty.stack import fetching

    found: dict[str, Artifact] = {}
    fresh: set[str] = set()
    accept, frozen, bundle = options["accept"], options["frozen"], options["bundle"] or ""
    with Fetching(quiet=common.quiet(ctx)) as screen:

        def tell(progress: Progress) -> None:
            if progress.phase == "done":
                fresh.add(progress.key)
            screen.tell(progress)

        if place and (of_stack or not loose):
            found |= fetching.fetch_named(
                place, of_stack, tell, accept=accept, frozen=frozen, bundle=bundle
            )
        if loose:
            found |= fetching.fetch_loose(place, loose, tell, accept)
    return found, fresh


def _explain(
    ctx: click.Context, place: Place | None, of_stack: list[str], loose: list[str]
) -> None:
    from booty.stack import explaining, fetching

    found: list[Outlook] = []
    if place and (of_stack or not loose):
        found += explaining.explain(fetching.wanted(place, of_stack))
    if loose:
        found += explaining.explain(fetching.loose(place, loose))
    if common.as_json(ctx):
        common.emit({"format": 1, "sources": [_outlook(one) for one in found]})
        return
    head = ("PROGRAM", "SOURCE", "TAKEN", "HERE", "SIZE", "DATE", "TRUST", "WHY")
    click.echo(common.table(head, [_cells(one) for one in found]))


def _outlook(one: Outlook) -> dict[str, Any]:
    look = one.look
    return {
        "program": one.wish.key,
        "version": one.wish.version,
        "source": one.source,
        "kind": one.kind,
        "taken": one.taken,
        "stored": one.stored,
        "locked": one.locked,
        "can": look.can,
        "why": look.why or None,
        "trust": look.trust or None,
        "size": look.size or None,
        "date": look.date or None,
        "withdrawn": look.withdrawn,
    }


def _cells(one: Outlook) -> tuple[str, ...]:
    look = one.look
    size = f"{look.size / 1e6:.1f} MB" if look.size else "-"
    taken = ("in the store" if one.stored else "yes") if one.taken else "-"
    here = "yes" if look.can else "no"
    return (
        one.wish.key, one.source, taken, here, size, look.date or "-", look.trust or "-",
        look.why or ("locked" if one.locked else ""),
    )  # fmt: skip


def _row(artifact: Artifact) -> dict[str, Any]:
    from booty.model import codec

    data: dict[str, Any] = codec.to_data(artifact)
    return data


def _place(ctx: click.Context, names: tuple[str, ...]) -> Place | None:
    from booty.errors import ConfigError

    try:
        return common.place(ctx)
    except ConfigError as error:
        if names and error.reference == "no-file":
            return None  # a component can be fetched anywhere
        raise


def _services(place: Place | None) -> set[str]:
    from booty import config

    return set(config.load(place.file).services) if place else set()
