"""``booty config``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booty.stack.place import Place

WIDEST = 60
"""Longest value in the table, characters."""


@click.command("config", short_help="Show the configuration that holds, and its origins.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="P",
    shell_complete=common.profile_names,
    help="Lay a profile over it.",
)
@click.pass_context
def command(ctx: click.Context, profiles: tuple[str, ...]) -> None:
    """Show the configuration that holds, and where each value is from.

    With -v also the keys that nobody wrote, with their defaults. Profiles are those named here,
    else in BOOTY_PROFILE, else those of the running stack.

    Example: booty config -v
    """
    from booty import config
    from booty.model import codec
    from booty.stack import plans

    place = common.place(ctx)
    held = plans.profiles(place, profiles or None)
    if common.as_json(ctx):
        data = codec.to_data(config.load(place.file, profiles=held))
        common.emit({"format": 1, "config": data, "origins": data.pop("origins")} | scaled(place))
        return
    rows = [*config.written(place.file, profiles=held), *_scaled_rows(place)]
    rows = sorted({key: (key, value, label) for key, value, label in rows}.values())
    if common.verbose(ctx):
        rows = sorted([*rows, *_defaults({key for key, _, _ in rows})])
    cells = [(key, _short(text), label) for key, text, label in rows]
    click.echo(common.table(("KEY", "VALUE", "FROM"), cells))


def scaled(place: Place) -> dict[str, Any]:
    """Return what stands over the file's numbers, ``{"scale": {name: replicas}}``."""
    from booty.stack import plans

    return {"scale": {name: one["replicas"] for name, one in plans.scale_of(place).items()}}


def _scaled_rows(place: Place) -> Iterator[tuple[str, Any, str]]:
    for name, number in scaled(place)["scale"].items():
        service, _, role = name.partition(".")
        key = f"services.{service}.roles.{role}" if role else f"services.{service}"
        yield f"{key}.replicas", number, "saved by scale"


def _defaults(known: set[str]) -> Iterator[tuple[str, Any, str]]:
    from booty.config.keys import SERVICE_KEYS, STACK_KEYS

    parts = [key.split(".") for key in known]
    tables = {("stack",): STACK_KEYS} | {
        (head, name): SERVICE_KEYS for head, name, *_ in parts if head == "services"
    }
    said = {tuple(part[:length]) for part in parts for length in range(1, len(part) + 1)}
    for path, keys in tables.items():
        for key in keys.values():
            if key.default and (*path, key.name) not in said:
                yield ".".join((*path, key.name)), Default(key.default), "default"


class Default(str):
    """A default in words, which is shown as it is."""

    __slots__ = ()


def _short(value: Any) -> str:
    text = value if isinstance(value, Default) else _toml(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False, default=str)
