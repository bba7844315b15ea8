"""``booty destroy``."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place


@click.command("destroy", short_help="Stop, and remove data, logs and secrets.")
@common.names_argument()
@click.option("--yes", metavar="STACK", help="The stack's name, instead of being asked.")
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], yes: str | None) -> int:
    """Stop, and remove data, config, logs and generated secrets.

    Of the services named, or of the whole stack. Asks, or takes the stack's name. Only what booty
    made and marked is removed.

    Example: booty destroy --yes shop
    """
    from booty.stack import removing

    found = common.place(ctx)
    _confirm(found, names, yes)
    removed = removing.remove(found, names) if names else removing.remove_all(found)
    if common.as_json(ctx):
        common.emit({"format": 1, "removed": removed})
    elif not common.quiet(ctx):
        click.echo(f"removed: {', '.join(removed) or 'nothing was there'}", err=True)
    return 0


def label_of(found: Place) -> str:
    """Return a stack's name, which has to be typed before it is removed."""
    from booty.stack import plans

    return str(plans.latest(found).get("name") or _written(found) or found.root.name)


def _written(found: Place) -> str:
    # it was never up: as its file says, which may be wrong in other ways
    import tomllib

    try:
        name = tomllib.loads(found.file.read_text())["stack"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def _confirm(found: Place, names: tuple[str, ...], yes: str | None) -> None:
    from booty.errors import ConfigError

    label = label_of(found)
    what = ", ".join(names) or "everything"
    answer = yes if yes is not None else _asked(found, what, label)
    if answer != label:
        raise ConfigError(
            f'cannot destroy {what}: "{answer}" is not the name of this stack',
            reference="not-confirmed",
            subject=str(found.root),
            hint=shlex.join(("booty", "destroy", *names, "--yes", label)),
        )


def _asked(found: Place, what: str, label: str) -> str:
    click.echo(f"this removes the data of {what} in {found.root}", err=True)
    click.echo(f"type the stack's name ({label}) to go on: ", err=True, nl=False)
    return sys.stdin.readline().strip()
