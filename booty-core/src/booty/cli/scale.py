"""``booty scale``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from booty.cli import common
from booty.cli.up import Up

if TYPE_CHECKING:
    from booty.fetch import Tell
    from booty.stack.choice import Outcome
    from booty.stack.handing import Session


LONGEST: Final = 18
"""Digits of a number; of longer ones Python itself refuses to read some."""


class Numbers(click.ParamType[tuple[str, int]]):
    """A service, or one of its roles, and how many instances of it there are to be."""

    name = "name=n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read it; click tells what is wrong."""
        if isinstance(value, tuple):
            return value
        name, mark, number = str(value).partition("=")
        if not mark or not name:
            self.fail(f'"{value}" is not NAME=N; for example: booty scale web=3', param, ctx)
        if not (number.isascii() and number.isdigit() and len(number) <= LONGEST):
            self.fail(f'"{number}" is no number of instances; try {name}=3', param, ctx)
        return name, int(number)


@click.command("scale", short_help="Run more or fewer instances of a service.")
@click.argument(
    "numbers",
    nargs=-1,
    required=True,
    metavar="NAME=N...",
    type=Numbers(),
    shell_complete=common.service_names,
)
@click.option(
    "--timeout", type=common.Seconds(), metavar="T", help="How long to wait for readiness."
)
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    shell_complete=common.service_names,
    help="Accept what moves or loses data.",
)
@click.pass_context
def command(ctx: click.Context, /, numbers: tuple[tuple[str, int], ...], **options: Any) -> int:
    """Run more or fewer instances of a service, or of one of its roles.

    Remembered, over down and up, until replicas changes in booty.toml. Returns when new ones are
    ready, or those that leave have gone; their data is kept.

    Example: booty scale web=3 db.tikv=5
    """
    found = common.place(ctx)
    rest = {"detach": True, "remove": False, "keep": False, "lifetime": None, "first": False}
    return _Scale(ctx, found, dict(numbers), {**options, **rest}, time.monotonic()).run()


class _Scale(Up):
    """One call of the command: a detached ``up`` with other numbers."""

    def __init__(self, ctx: click.Context, found: Any, numbers: dict[str, int], *rest: Any) -> None:
        super().__init__(ctx, found, (), *rest)
        self.numbers = numbers

    def _hand_over(self, session: Session, tell: Tell) -> Outcome:
        from booty.stack import scaling

        accept = self.options["accept"]
        outcome, self.names = scaling.scale(session, self.numbers, tell, accept=accept)
        return outcome

    def _lifetime(self) -> str:
        return ""
