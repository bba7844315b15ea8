"""``booty fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.model.plan import Artifact
    from booty.stack.place import Place


@click.command("fetch", short_help="Get programs into the store.")
@click.argument("names", nargs=-1, metavar="NAME[@V]...", shell_complete=common.service_names)
@click.option("--frozen", is_flag=True, help="Take only what booty.lock holds.")
@click.option(
    "--bundle", type=click.Path(exists=True), metavar="F", help="From a bundle, without a network."
)
@click.pass_context
def command(
    ctx: click.Context, /, names: tuple[str, ...], *, frozen: bool, bundle: str | None
) -> None:
    """Get programs into the store: all of the stack, of services, or of components.

    Nothing is started. A component's name, or NAME@V, leaves the lock alone.

    Example: booty fetch nats@2.15.0
    """
    from booty.cli.progress import Fetching
    from booty.stack import fetching

    place = _place(ctx, names)
    services = _services(place)
    loose = [name for name in names if name not in services]
    of_stack = [name for name in names if name in services]
    if frozen and loose:
        raise click.UsageError(f'--frozen is for services of the file; "{loose[0]}" is none')
    if bundle and loose:
        raise click.UsageError(f'--bundle is for services of the file; "{loose[0]}" is none')
    found: dict[str, Artifact] = {}
    with Fetching(quiet=common.quiet(ctx)) as screen:
        if place and (of_stack or not names):
            found |= fetching.fetch_named(
                place, of_stack, screen.tell, frozen=frozen, bundle=bundle or ""
            )
        if loose:
            found |= fetching.fetch_loose(place, loose, screen.tell)
    rows = [_row(one) for one in found.values()]
    if common.as_json(ctx):
        common.emit({"format": 1, "artifacts": rows})
        return
    cells = [(row["key"], row["source"], row["trust"], row["path"]) for row in rows]
    click.echo(common.table(("PROGRAM", "SOURCE", "TRUST", "PLACE"), cells))


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
