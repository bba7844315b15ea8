"""``booty init``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from booty.cli import common

HEAD = """\
# What this stack is made of. `booty up` makes it run, `booty plan` says what would happen.
# All keys: docs/reference/booty-toml.md, or `booty schema` for your editor.

[stack]
format = 1
name = "{name}"
"""
PROGRAM = """
# Your own program: uncomment and change. It is started when what it needs is ready.
# [services.main]
# use = "program"
# run = ["./main", "--listen", "127.0.0.1:${ports.http}"]
# ports = { http = 8000 }
# ready = { http = "http://127.0.0.1:${ports.http}/" }
"""


@click.command("init", short_help="Write a first booty.toml.")
@click.option("--name", metavar="NAME", help="The stack's name; by default the folder's.")
@click.pass_context
def command(ctx: click.Context, name: str | None) -> None:
    """Write a first booty.toml from the installed providers; never overwrites one.

    Example: booty init && booty up
    """
    from booty.errors import ConflictError

    file = Path((ctx.obj or {}).get("file") or "booty.toml")
    if file.exists():
        raise ConflictError(
            f'cannot write "{file}": it is there already',
            reference="file-exists",
            subject=str(file),
            hint="edit it, or remove it first",
        )
    text = first(name or _label(Path.cwd().name))
    file.write_text(text)
    if common.as_json(ctx):
        common.emit({"format": 1, "file": str(file.absolute())})
    else:
        click.echo(f"wrote {file}; next: booty up -d", err=True)


def _label(folder: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder).strip("-._") or "stack"


def first(name: str) -> str:
    """Return the text of a first file: one service of each installed provider."""
    from booty import providers
    from booty.errors import BootyError

    parts = [HEAD.format(name=name)]
    for provider in providers.installed():
        if provider in {"program", "external"}:
            continue
        try:
            loaded = providers.load(provider)
        except BootyError as error:
            click.echo(f"left out: {error.message}", err=True)
            continue
        component = next(iter(loaded.components.values()))
        parts.append(_service(component.id, component.summary, component.versions))
    return "".join([*parts, PROGRAM])


def _service(use: str, summary: str, versions: tuple[str, ...]) -> str:
    owner, _, last = use.partition("/")
    use = owner if last == owner else use
    label = {"nats": "bus", "minio": "files"}.get(owner, use.rpartition("/")[2])
    # the patch level is left to booty.lock; a version without points is named whole
    named = versions[0].rpartition(".")[0] or versions[0] if versions else ""
    version = f'version = "{named}"\n' if named else ""
    return f'\n# {summary}\n[services.{label}]\nuse = "{use}"\n{version}'
