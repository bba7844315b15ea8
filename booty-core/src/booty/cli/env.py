"""``booty env``."""

from __future__ import annotations

import json
import shlex

import click

from booty.cli import common


@click.command("env", short_help="Print URLs and credentials as variables.")
@click.option("--format", "form", type=click.Choice(["dotenv", "json", "shell"]), default="dotenv")
@click.option(
    "--as",
    "consumer",
    metavar="NAME",
    default="user",
    shell_complete=common.consumer_names,
    help="As a consumer.",
)
@click.pass_context
def command(ctx: click.Context, form: str, consumer: str) -> None:
    """Print URLs and credentials as variables. What it prints is secret.

    Example: eval "$(booty env --format shell)"
    """
    from booty.stack import resolve

    found = resolve.environment(common.place(ctx), consumer)
    if form == "json" or common.as_json(ctx):
        common.emit(found)
        return
    for name, value in found.items():
        if form == "shell":
            click.echo(f"export {name}={shlex.quote(value)}")
        else:
            click.echo(f"{name}={json.dumps(value)}")
