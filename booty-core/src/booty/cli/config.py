"""``booty config``."""

from __future__ import annotations

from typing import Any

import click

from booty.cli import common


@click.command("config", short_help="Show the configuration that holds, and its origins.")
@click.option("--profile", "profiles", multiple=True, metavar="P", help="Lay a profile over it.")
@click.pass_context
def command(ctx: click.Context, profiles: tuple[str, ...]) -> None:
    """Show the configuration that holds, and where each value is from.

    Example: booty config
    """
    from booty import config
    from booty.model import codec

    spec = config.load(common.place(ctx).file, profiles=profiles)
    data = codec.to_data(spec)
    origins = data.pop("origins")
    if common.as_json(ctx):
        common.emit({"format": 1, "config": data, "origins": origins})
        return
    rows = [(key, _value(data, key), origin) for key, origin in sorted(origins.items())]
    click.echo(common.table(("KEY", "VALUE", "FROM"), rows))


def _value(data: dict[str, Any], key: str) -> str:
    # origins are named as in the file, the nouns by their fields
    found: Any = data
    path = key.removeprefix("stack.").split(".")
    for part in path:
        if not isinstance(found, dict):
            return ""
        found = found.get(part, found.get(part.replace("-", "_"), found.get("extra", {}).get(part)))
    text = str(found)
    return text if len(text) < 60 else f"{text[:57]}..."  # noqa: PLR2004 - a column
