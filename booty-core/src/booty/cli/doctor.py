"""``booty doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.model.problem import Problem
    from booty.model.stack import ServiceSpec


@click.command("doctor", short_help="See whether this machine is fit.")
@click.pass_context
def command(ctx: click.Context) -> int:
    """See whether this machine is fit, and what to do where it is not.

    Exit status 1 if something keeps stacks from running.

    Example: booty doctor
    """
    from booty.cli.checks import checks

    found = [*checks(), *_of_providers(ctx)]
    if common.as_json(ctx):
        from booty.model import codec

        common.emit({"format": 1, "problems": codec.to_data(found)})
    else:
        for one in found:
            click.echo(f"{one.level:>7}  {one.id}: {one.message}")
            if one.fix:
                click.echo(f"         hint: {one.fix}")
    return int(any(one.level == "error" for one in found))


def _of_providers(ctx: click.Context) -> list[Problem]:
    from booty import providers
    from booty.errors import BootyError
    from booty.model.problem import Problem

    found: list[Problem] = []
    services = _services(ctx)
    for name in providers.installed():
        own = [one for one in services if one.use.partition("/")[0] == name]
        try:
            found += providers.load(name).call("preflight", services=own) or ()
        except BootyError as error:
            problem = Problem(
                id=error.reference, level="warning", message=error.message, fix=error.hint or ""
            )
            found.append(problem)
    return found


def _services(ctx: click.Context) -> list[ServiceSpec]:
    # outside of a stack, or where its file is wrong, the machine is looked at all the same
    from booty import config
    from booty.errors import BootyError, BootyErrors

    try:
        spec = config.load(common.place(ctx).file)
    except (BootyError, BootyErrors):
        return []
    return [one for one in spec.services.values() if one.enabled]
