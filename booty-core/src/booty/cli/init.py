"""``booty init``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def _provider_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from booty import providers

    return [name for name in providers.installed() if name.startswith(incomplete)]


@click.command("init", short_help="Write a first booty.toml.")
@click.argument("names", nargs=-1, metavar="[PROVIDER]...", shell_complete=_provider_names)
@click.option("--name", metavar="NAME", help="The stack's name; by default the folder's.")
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], name: str | None) -> None:
    """Write a first booty.toml from the named providers, or from all that are installed.

    A service of each, and how one of your own would look; a file that is there is never
    overwritten.

    Example: booty init nats && booty up
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
    text = first(name or _label(Path.cwd().name), names)
    file.write_text(text)
    if common.as_json(ctx):
        common.emit({"format": 1, "file": str(file.absolute())})
    else:
        click.echo(f"wrote {file}; next: booty up -d", err=True)


def _label(folder: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder).strip("-._") or "stack"


def first(name: str, asked: Sequence[str] = ()) -> str:
    """Return the text of a first file.

    Args:
        name: of the stack.
        asked: names of providers, one service each; none = all installed ones that can be loaded.

    Raises:
        ProviderError: one that is asked for is not there, or broken.
    """
    return "".join([HEAD.format(name=name), *_services(asked), PROGRAM])


def _services(asked: Sequence[str]) -> Iterator[str]:
    from booty import providers
    from booty.errors import BootyError

    for provider in dict.fromkeys(asked or providers.installed()):
        if provider in {"program", "external"}:
            continue
        try:
            component = next(iter(providers.load(provider).components.values()))
        except BootyError as error:
            if asked:
                raise
            click.echo(f"left out: {error.message}", err=True)
            continue
        yield _service(component.id, component.summary, component.versions)


def _service(use: str, summary: str, versions: tuple[str, ...]) -> str:
    owner, _, last = use.partition("/")
    use = owner if last == owner else use
    label = {"nats": "bus", "minio": "files"}.get(owner, use.rpartition("/")[2])
    # the patch level is left to booty.lock; a version without points is named whole
    named = versions[0].rpartition(".")[0] or versions[0] if versions else ""
    version = f'version = "{named}"\n' if named else ""
    return f'\n# {summary}\n[services.{label}]\nuse = "{use}"\n{version}'
