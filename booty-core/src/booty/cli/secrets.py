"""``booty secrets``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place


@click.group("secrets", short_help="Set, get, list and rotate secrets.")
def command() -> None:
    """Set, get, list and rotate the secrets of a stack. Values are never arguments.

    Example: booty secrets set api-key
    """


def _opened(ctx: click.Context, *, make: bool = False) -> tuple[Place, str]:
    place = common.place(ctx.find_root())
    if make:
        from booty.stack import identity

        identity.ensure(place)
    return place, place.id


@command.command("set")
@click.argument("name")
@click.pass_context
def set_(ctx: click.Context, name: str) -> None:
    """Keep a value under a name, for secret://NAME; asked for, or read from stdin.

    Example: pass show api | booty secrets set api-key
    """
    from booty import secrets
    from booty.model.reference import Secret
    from booty.stack import plans

    place, stack_id = _opened(ctx, make=True)
    value = (
        click.prompt(f"value of {name}", hide_input=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.read().rstrip("\n")
    )
    full = f"user/{name}"
    number = plans.secret_numbers(place).get(full, 0)
    kept = secrets.backend("", stack_id)
    known = kept.get(Secret(full, max(number, 1)).reference)
    if known is not None and known != value:
        _renumber(place, full, secrets.rotate(full, max(number, 1), kept, value))
    else:
        kept.set({Secret(full, max(number, 1)).reference: value})
    number = plans.secret_numbers(place).get(full, 1)
    _done(ctx, f"kept {name}; booty up hands it over", name, number)


def _done(ctx: click.Context, words: str, name: str, number: int) -> None:
    if common.as_json(ctx.find_root()):
        common.emit({"format": 1, "name": name, "number": number})
    click.echo(words, err=True)


def _renumber(place: Place, name: str, number: int) -> None:
    from booty.stack import numbers

    numbers.save_secrets(place, {**numbers.secrets(place), name: number})


@command.command("get")
@click.argument("name", shell_complete=common.secret_names)
@click.pass_context
def get(ctx: click.Context, name: str) -> None:
    """Print a value: of secret://NAME, or of a generated one by its full name.

    Example: booty secrets get bus.user.password
    """
    from booty import secrets
    from booty.errors import ConfigError
    from booty.model.reference import Secret
    from booty.stack import plans

    place, stack_id = _opened(ctx)
    kept = secrets.backend("", stack_id)
    numbers = plans.secret_numbers(place)
    for full in (name, f"user/{name}"):
        value = kept.get(Secret(full, numbers.get(full, 1)).reference)
        if value is not None:
            if common.as_json(ctx.find_root()):
                common.emit({"format": 1, "name": full, "value": value})
            else:
                click.echo(value)
            return
    raise ConfigError(
        f'cannot find the secret "{name}"',
        reference="secret-missing",
        subject=name,
        hint=f"booty secrets list, or booty secrets set {name}",
    )


@command.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List names, never values.

    Example: booty secrets list
    """
    from booty import secrets

    _, stack_id = _opened(ctx)
    names = sorted({key.partition("#")[0] for key in secrets.backend("", stack_id).keys()})  # noqa: SIM118 - no mapping
    if common.as_json(ctx.find_root()):
        common.emit({"format": 1, "secrets": names})
    else:
        for name in names:
            click.echo(name.removeprefix("user/"))


@command.command("rotate")
@click.argument("name", shell_complete=common.secret_names)
@click.pass_context
def rotate(ctx: click.Context, name: str) -> None:
    """Begin a new value of a generated secret; the next up makes it and reloads who reads it.

    Example: booty secrets rotate bus.user.password
    """
    from booty import secrets
    from booty.errors import ConfigError
    from booty.stack import plans

    place, stack_id = _opened(ctx)
    kept = secrets.backend("", stack_id)
    known = {key.partition("#")[0] for key in kept.keys()}  # noqa: SIM118 - no mapping
    if name not in known or name.startswith("user/"):
        raise ConfigError(
            f'cannot rotate "{name}": it is no generated secret of this stack',
            reference="not-generated",
            subject=name,
            hint="booty secrets list; a value of yours is changed by booty secrets set",
        )
    number = secrets.rotate(name, plans.secret_numbers(place).get(name, 1), kept)
    _renumber(place, name, number)
    _done(ctx, f"{name} has number {number} now; booty up takes it into use", name, number)


@command.command("backends")
@click.pass_context
def backends(ctx: click.Context) -> None:
    """List the places where values can be kept.

    Example: booty secrets backends
    """
    from booty import secrets

    if common.as_json(ctx.find_root()):
        common.emit({"format": 1, "backends": dict(secrets.BACKENDS)})
    else:
        for name, line in secrets.BACKENDS.items():
            click.echo(f"{name}: {line}")
