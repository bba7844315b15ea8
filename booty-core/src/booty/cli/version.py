"""``booty version``."""

from __future__ import annotations

import platform

import click

from booty import __version__
from booty.cli import common


@click.command("version", short_help="Print the versions.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Print the version of booty, of Python and of the platform.

    Example: booty version --json
    """
    found = {
        "format": 1,
        "booty": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
    if common.as_json(ctx):
        common.emit(found)
    else:
        click.echo(f"booty {__version__}, python {found['python']}, {found['platform']}")
