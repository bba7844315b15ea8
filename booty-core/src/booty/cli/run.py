"""``booty run``."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.stack.place import Place

RAW = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.command("run", short_help="Run a command with URLs and credentials.", context_settings=RAW)
@click.option("--up", "bring_up", is_flag=True, help="Bring the stack up first, down after it.")
@click.option("--rm", "remove", is_flag=True, help="With --up: remove everything after it.")
@click.option(
    "--as",
    "consumer",
    metavar="NAME",
    default="user",
    shell_complete=common.consumer_names,
    help="As a consumer.",
)
@click.argument("argv", nargs=-1, required=True, metavar="-- CMD...")
@click.pass_context
def command(
    ctx: click.Context, bring_up: bool, remove: bool, consumer: str, argv: tuple[str, ...]
) -> int:
    """Run a command with URLs and credentials in its environment; its exit status is ours.

    Example: booty run --up --rm -- pytest
    """
    place = common.place(ctx)
    if not bring_up:
        return execute(place, consumer, argv)
    status = _up(ctx, remove=remove)
    if status:
        return status
    try:
        return _run(place, consumer, argv)
    finally:
        _down(place, remove=remove)


def _environment(place: Place, consumer: str) -> dict[str, str]:
    from booty.stack import resolve

    return {**os.environ, **resolve.environment(place, consumer)}


def execute(place: Place, consumer: str, argv: tuple[str, ...]) -> int:
    """Become the command."""
    env = _environment(place, consumer)
    sys.stdout.flush()
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606 - that is what was asked for
    except OSError as error:
        raise cannot_run(argv[0], error) from error


def cannot_run(name: str, error: OSError) -> Exception:
    """Return the fault of a command that cannot be started."""
    from booty.errors import StartError

    return StartError(
        f'cannot run "{name}": {error.strerror}',
        reference="cannot-run",
        subject=name,
        hint="check the name and PATH",
    )


def _run(place: Place, consumer: str, argv: tuple[str, ...]) -> int:
    try:
        done = subprocess.run(argv, env=_environment(place, consumer), check=False)
    except OSError as error:
        raise cannot_run(argv[0], error) from error
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _up(ctx: click.Context, *, remove: bool) -> int:
    words = [sys.executable, "-m", "booty"]
    for name in ("file", "stack"):
        if (ctx.obj or {}).get(name):
            words += [f"--{name}", ctx.obj[name]]
    if remove:
        from booty.cli.up import refuse_remove

        refuse_remove(common.place(ctx))
    return subprocess.run([*words, "up", "-d"], stdout=sys.stderr, check=False).returncode


def _down(place: Place, *, remove: bool) -> None:
    from booty.stack import ending
    from booty.stack.removing import remove_all

    if remove:
        remove_all(place)
    else:
        ending.down(place)
