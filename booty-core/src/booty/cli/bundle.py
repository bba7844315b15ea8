"""``booty bundle``."""

from __future__ import annotations

import click

from booty.cli import common

MEGA = 1e6


def platform_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of the common platforms."""
    from booty.model.platform import COMMON

    return [str(one) for one in COMMON if str(one).startswith(incomplete)]


@click.command("bundle", short_help="Gather what the stack needs for machines without a network.")
@click.argument("out", type=click.Path(dir_okay=False))
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="P",
    shell_complete=platform_names,
    help="linux-amd64 and the like; may be given again. This machine's by default.",
)
@click.option(
    "--python", "pythons", multiple=True, metavar="V", help="Likewise, 3.12; this one by default."
)
@click.option("--no-wheels", is_flag=True, help="Without booty itself: it is there already.")
@click.pass_context
def command(
    ctx: click.Context,
    out: str,
    platforms: tuple[str, ...],
    pythons: tuple[str, ...],
    *,
    no_wheels: bool,
) -> None:
    """Gather everything that the stack needs in one tar, for machines without a network.

    Programs as their publishers have them, wheels of booty and of its providers, booty.toml and
    booty.lock, a bill of materials. There: booty up --bundle OUT, judged by booty.lock.

    Example: booty bundle shop.tar --platform linux-amd64 --platform linux-arm64
    """
    from pathlib import Path

    from booty.cli.progress import Fetching
    from booty.stack import bundling

    place = common.place(ctx)
    with Fetching(quiet=common.quiet(ctx)) as screen:
        made = bundling.make(
            place,
            Path(out),
            screen.tell,
            platforms=platforms,
            pythons=pythons,
            wheels=not no_wheels,
        )
    if common.as_json(ctx):
        programs = [
            {"key": one.key, "platform": one.platform, "source": one.source, "sha256": one.digest}
            for one in made.artifacts
        ]
        found = {"file": out, "sha256": made.digest, "bytes": made.size, "programs": programs}
        common.emit({"format": 1, **found, "platforms": list(made.platforms)})
    elif not common.quiet(ctx):
        count = len(made.artifacts)
        what = f"{count} program{'' if count == 1 else 's'} for {', '.join(made.platforms)}"
        click.echo(f"bundled: {what}, {made.size / MEGA:.1f} MB in {out}", err=True)
        click.echo(f"sha256 {made.digest}", err=True)
