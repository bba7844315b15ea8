"""``booty fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.model.plan import Artifact, ArtifactWish
    from booty.stack.place import Place


@click.command("fetch", short_help="Get programs into the store.")
@click.argument("names", nargs=-1, metavar="NAME[@V]...", shell_complete=common.service_names)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Get programs into the store: those of the stack, of services, or of a component at a version.

    Nothing is started. NAME@V leaves the lock alone.

    Example: booty fetch nats@2.15.0
    """
    found: dict[str, Artifact] = {}
    versioned = [name for name in names if "@" in name]
    plain = [name for name in names if "@" not in name]
    if plain or not versioned:
        found |= _of_stack(ctx, common.place(ctx), plain)
    if versioned:
        found |= _get(ctx, [_component(name) for name in versioned])
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


def _of_stack(ctx: click.Context, place: Place, names: list[str]) -> dict[str, Artifact]:
    from booty.cli.progress import Fetching
    from booty.stack import fetching

    with Fetching(quiet=common.quiet(ctx)) as screen:
        return fetching.fetch_named(place, names, screen.tell)


def _component(name: str) -> ArtifactWish:
    from attrs import evolve

    from booty import providers
    from booty.model.plan import ArtifactWish
    from booty.model.stack import ServiceSpec
    from booty.plan.versions import choose

    use, _, version = name.partition("@")
    _, component = providers.component(use)
    spec = ServiceSpec(name=use, use=use, version=version)
    exact, tested = choose(evolve(spec, version=version), component, "")
    return ArtifactWish(
        key=f"{component.id}@{exact}", component=component, version=exact, tested=tested
    )


def _get(ctx: click.Context, wishes: list[ArtifactWish]) -> dict[str, Artifact]:
    from booty import fetch, paths
    from booty.cli.progress import Fetching
    from booty.model.platform import Platform

    with Fetching(quiet=common.quiet(ctx)) as screen:
        found, _ = fetch.ensure(
            wishes,
            platform=Platform.current(),
            lock=fetch.Lock(),
            store=fetch.Store(paths.store()),
            tell=screen.tell,
        )
    return found
