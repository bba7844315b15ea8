"""``booty client``."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from booty.cli import common

RAW = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}


@click.command("client", short_help="Talk to a service.", context_settings=RAW)
@click.argument("name", required=False, shell_complete=common.service_names)
@click.argument("arguments", nargs=-1, metavar="COMMAND...")
@click.option(
    "--as",
    "consumer",
    metavar="NAME",
    default="user",
    shell_complete=common.consumer_names,
    help="As a consumer.",
)
@click.pass_context
def command(ctx: click.Context, name: str | None, arguments: tuple[str, ...], consumer: str) -> Any:
    """Talk to a service by the commands of its provider: booty client NAME --help lists them.

    Example: booty client bus pub orders.new hello
    """
    if name is None or name in {"-h", "--help"}:
        click.echo(ctx.get_help())
        return 0
    from booty.stack import resolve

    provider, instance = resolve.instance(common.place(ctx), name, consumer)
    targets = provider.components[instance.component].clients
    if not targets:
        raise _none(name, provider.name)
    group = _group(provider.name, next(iter(targets.values())))
    if common.as_json(ctx):
        os.environ["BOOTY_JSON"] = "1"  # the provider's commands are a tree of their own
    return group.main(
        list(arguments) or ["--help"],
        prog_name=f"booty client {name}",
        obj=instance,
        standalone_mode=False,
        help_option_names=["-h", "--help"],
    )


def _group(provider: str, target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise _broken(provider, target, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, click.Command):
        raise _broken(provider, target, "it is no click group")
    return found


def _broken(provider: str, target: str, why: str) -> Exception:
    from booty.errors import ProviderError

    return ProviderError(
        f'cannot use the client commands of provider "{provider}": "{target}": {why}',
        reference="client-broken",
        subject=provider,
        hint="this is a fault of the provider; booty env has what other clients need",
    )


def _none(name: str, provider: str) -> Exception:
    from booty.errors import ConfigError

    return ConfigError(
        f'cannot talk to "{name}": provider "{provider}" has no client commands',
        reference="no-client-commands",
        subject=name,
        hint=f"booty run -- sh -c 'echo ${name.upper().replace('-', '_')}_URL'",
    )
