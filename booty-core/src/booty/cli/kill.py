"""``booty kill``."""

from __future__ import annotations

import signal
from typing import Any

import click

from booty.cli import common


class Signal(click.ParamType[str]):
    """The name of a signal, with or without SIG, or its number."""

    name = "signal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name without SIG."""
        text = str(value).upper().removeprefix("SIG")
        known = {one.name.removeprefix("SIG"): one for one in signal.Signals}
        numbers = {str(int(one)): name for name, one in known.items()}
        if text not in known and text not in numbers:
            self.fail(f'there is no signal "{value}"; kill -l lists them', param, ctx)
        return numbers.get(text, text)


@click.command("kill", short_help="Send a signal to services.")
@common.names_argument(required=True)
@click.option(
    "--signal", "number", type=Signal(), default="KILL", show_default=True, help="Which signal."
)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], number: str) -> None:
    """Send a signal to the processes of services. What it ends is restarted by its policy.

    Example: booty kill --signal USR1 web
    """
    sent = common.ask(common.place(ctx), "kill", names=list(names), signal=number)["sent"]
    if common.as_json(ctx):
        common.emit({"format": 1, "signal": number, "sent": sent})
    elif not common.quiet(ctx):
        for name, pid in sent.items():
            said = f"{number} sent to process {pid}" if pid else "no process to send it to"
            click.echo(f"{name}: {said}", err=True)
