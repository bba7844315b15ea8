"""``booty schema``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.model.component import Component


@click.command("schema", short_help="Print the JSON Schema of booty.toml.")
def command() -> None:
    """Print the JSON Schema of booty.toml with all installed providers, for editors.

    Example: booty schema > booty.schema.json
    """
    from booty import config, providers
    from booty.errors import BootyError

    components: list[Component] = []
    for name in providers.installed():
        try:
            found = list(providers.load(name).components.values())
            config.schema(found)  # settings that no schema can be drawn of leave this one out
            components += found
        except BootyError as error:
            click.echo(f"left out: {error.message}", err=True)
    common.emit(config.schema(components))
