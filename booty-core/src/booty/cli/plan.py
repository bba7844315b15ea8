"""``booty plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booty.model.plan import Plan, Step
    from booty.stack.planning import Planned

MARKS = {"start": "+", "stop": "-", "keep": " ", "fetch": "v"}


@click.command("plan", short_help="Show what would happen.")
@click.option("--diff", is_flag=True, help="Only what differs from what runs.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="P",
    shell_complete=common.profile_names,
    help="Lay a profile over it.",
)
@click.pass_context
def command(ctx: click.Context, diff: bool, profiles: tuple[str, ...]) -> None:
    """Show what would happen, each step with its reason. Fetches, starts and writes nothing.

    With --diff also what somebody changed by hand in a running service, where its provider can
    tell; booty up --replan makes it as it is declared.

    Example: booty plan --diff
    """
    from booty import plan

    found = made(ctx, profiles)
    if common.as_json(ctx):
        click.echo(plan.to_json(found.plan), nl=False)
        return
    steps = [one for one in found.plan.steps if not diff or one.action != "keep"]
    for step in steps:
        click.echo(f"{MARKS.get(step.action, '~')} {step.action} {step.subject}: {step.reason}")
    changed = _drift(ctx, found.plan, steps) if diff else []
    for text in found.plan.warnings:
        click.echo(f"warning: {text}", err=True)
    if not steps and not changed:
        click.echo("nothing would change", err=True)


def _drift(ctx: click.Context, found: Plan, steps: Sequence[Step]) -> list[tuple[str, str]]:
    import anyio

    from booty.stack.drift import HINT, drift

    again = {one.subject for one in steps}  # its resources are made anew in any case
    names = [name for name in found.services if name not in again]
    changed = anyio.run(drift, common.place(ctx), names)
    for name, line in changed:
        click.echo(f"~ drift {name}: {line}")
    if changed:
        click.echo(f"changed by hand; as it is declared again by: {HINT}", err=True)
    return changed


def made(ctx: click.Context, profiles: tuple[str, ...] = ()) -> Planned:
    """Return a plan that is only looked at."""
    from booty.stack.planning import Choice, Planning

    place = common.place(ctx)
    choice = Choice(profiles=profiles or None)
    return Planning(place=place, stack_id=place.id, choice=choice, dry=True).make()
