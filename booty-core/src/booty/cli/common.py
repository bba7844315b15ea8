"""What commands share: finding the stack, tables, JSON."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from booty.supervise.screen import table

if TYPE_CHECKING:
    from booty.stack.place import Place
    from booty.supervise.client import Connection

__all__ = [
    "Seconds",
    "as_json",
    "ask",
    "connect",
    "consumer_names",
    "emit",
    "instance_names",
    "itself",
    "local",
    "names_argument",
    "place",
    "profile_names",
    "secret_names",
    "service_names",
    "stack_names",
    "table",
    "tell_nothing",
    "verbose",
]

LONGEST: Final = 1e9
"""Seconds, some thirty years; the system takes no more."""


def place(ctx: click.Context) -> Place:
    """Return the stack that the command is about: --file, --stack, or from here upward."""
    obj = ctx.obj or {}
    return _place_of(obj.get("file"), obj.get("stack"))


def _place_of(file: str | None, stack: str | None) -> Place:
    from booty.stack.place import find

    return find(file, stack)


def chosen(ctx: click.Context) -> str | None:
    """Return the root of the stack that --file or --stack name; ``None`` if neither is there."""
    obj = ctx.obj or {}
    named = obj.get("file") or obj.get("stack")
    return str(place(ctx).root) if named else None


def chosen_nothing(ctx: click.Context) -> bool:
    """Tell whether neither option nor variable names a stack."""
    obj = ctx.obj or {}
    named = obj.get("file") or obj.get("stack")
    return not (named or os.environ.get("BOOTY_FILE") or os.environ.get("BOOTY_STACK"))


def as_json(ctx: click.Context) -> bool:
    """Tell whether JSON is asked for."""
    return bool((ctx.obj or {}).get("as_json")) or os.environ.get("BOOTY_JSON") == "1"


def quiet(ctx: click.Context) -> bool:
    """Tell whether less is to be said."""
    return bool((ctx.obj or {}).get("quiet"))


def verbose(ctx: click.Context) -> bool:
    """Tell whether more is to be said."""
    return bool((ctx.obj or {}).get("verbose"))


def emit(data: Any) -> None:
    """Print JSON to stdout."""
    click.echo(json.dumps(data, indent=1, ensure_ascii=False))


def connect(found: Place) -> Connection:
    """Return a connection to the stack's supervisor.

    Raises:
        BootyError: none runs.
    """
    from booty.errors import from_data
    from booty.supervise import client

    try:
        return client.connect(found.state)
    except client.ControlError as error:
        from booty.stack import removed

        if error.reference == "not-running" and (link := removed.connect(found)):
            return link
        raise from_data(error.data) from error


def ask(found: Place, do: str, **fields: Any) -> dict[str, Any]:
    """Ask the stack's supervisor; one that is killed meanwhile is followed by another, asked again.

    Raises:
        BootyError: none runs, or it refused.
    """
    from booty.errors import BootyError

    try:
        return _ask(found, do, fields)
    except BootyError as error:
        if error.reference != "connection-lost":
            raise
    return _ask(found, do, fields)


def _ask(found: Place, do: str, fields: dict[str, Any]) -> dict[str, Any]:
    from booty.errors import all_from_data
    from booty.supervise import client

    with connect(found) as link:
        try:
            return link.request(do, **fields)
        except client.ControlError as error:
            raise all_from_data(error.data) from error


def itself(ctx: click.Context) -> str:
    """Return how the person would call booty for the same stack."""
    from booty.stack import following

    words = [following.called()]
    for name in ("file", "stack"):
        if (ctx.obj or {}).get(name):
            words += [f"--{name}", ctx.obj[name]]
    return shlex.join(words)


def service_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of services, from the files; behind a dot those of known instances."""
    return _completed(ctx, incomplete, _instances if "." in incomplete else _services)


def consumer_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of consumers: the services, and ``user``."""
    return _completed(ctx, incomplete, lambda found: [*_services(found), "user"])


def profile_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of profiles, from the files."""
    return _completed(ctx, incomplete, lambda found: _tables(found, "profiles"))


def secret_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of secrets that are kept."""
    from booty import secrets

    def names(found: Place) -> list[str]:
        kept = secrets.backend("", found.id)
        full = [key.partition("#")[0] for key in kept.keys()]  # noqa: SIM118 - no mapping
        return [name.removeprefix("user/") for name in full]

    return _completed(ctx, incomplete, names)


def stack_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of registered stacks."""
    from booty.stack.place import registered

    names = {str(one.get("name", "")) for one in registered()}
    return sorted(name for name in names if name.startswith(incomplete))


def _completed(
    ctx: click.Context, incomplete: str, names: Callable[[Place], list[str]]
) -> list[str]:
    # while a shell completes, nothing was put into ctx.obj
    asked = ctx.find_root().params
    try:
        known = names(_place_of(asked.get("file"), asked.get("stack")))
    except Exception:  # noqa: BLE001 - a completion that cannot help says nothing
        return []
    return [name for name in dict.fromkeys(known) if name.startswith(incomplete)]


def _services(found: Place) -> list[str]:
    return _tables(found, "services")


def _tables(found: Place, key: str) -> list[str]:
    from booty.config import files

    return [name for _, data in files.sources(found.file, []) for name in data.get(key, ())]


def _instances(found: Place) -> list[str]:
    from booty.supervise import listing

    return [str(row["instance"]) for row in listing.listing(found.state, "")["services"]]


def instance_names(found: Place, names: Sequence[str], former: Sequence[str] = ()) -> list[str]:
    """Return the instances that services and instances stand for, all for none.

    Args:
        found: the stack.
        names: services, roles, instances.
        former: instances that are no longer there, and may be named too.

    Raises:
        ConfigError: a name that is neither.
    """
    from booty.errors import from_data
    from booty.supervise import listing
    from booty.supervise.naming import no_such

    rows = listing.listing(found.state, str(found.root))["services"]
    known = [row["instance"] for row in rows]
    gone = [name for name in former if name not in known]
    rows += [{"instance": name, "name": name.partition(".")[0]} for name in gone]
    chosen = []
    for name in names:
        own = [row["instance"] for row in rows if _means(name, row)]
        if not own:
            raise from_data(no_such(name, [*(row["name"] for row in rows), *known]).data)
        chosen += own
    return chosen or known or gone


def tell_nothing(found: Place) -> None:
    """Say why there is nothing to show: never up, or its state was removed."""
    from booty.stack import removed

    link = None if found.id else removed.connect(found)
    if link is None:
        click.echo("never up; booty up -d", err=True)
    else:
        link.close()
        click.echo(f"{removed.words(found)}; booty down ends what runs", err=True)


def local(at: float) -> str:
    """Return a time as people read it, with milliseconds, where whoever looks is.

    Args:
        at: seconds since 1970.
    """
    import time

    seconds, milliseconds = divmod(round(at * 1000), 1000)
    return time.strftime(f"%Y-%m-%d %H:%M:%S.{milliseconds:03d}", time.localtime(seconds))


def _means(name: str, row: dict[str, Any]) -> bool:
    # a service, one of its roles, or an instance
    instance = str(row["instance"])
    return name in {row["name"], instance, instance.rpartition(".")[0]}


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Seconds(click.ParamType[float]):
    """A time: ``10s``, ``1m``, or a plain number of seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; click tells what is wrong."""
        seconds = _seconds(str(value))
        if seconds is None or not 0 <= seconds <= LONGEST:
            self.fail(f'"{value}" is no duration such as 10s', param, ctx)
        return seconds


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        from booty.config import units
        from booty.errors import BootyError

        try:
            return units.duration(text)
        except (BootyError, ValueError):
            return None


def names_argument(*, required: bool = False) -> Decorator:
    """Return the argument NAME…, completed from the file."""
    return click.argument(
        "names", nargs=-1, required=required, metavar="NAME...", shell_complete=service_names
    )


def on_terminal() -> bool:
    """Tell whether a person looks at stdout."""
    return sys.stdout.isatty()
