"""The command line: a table of commands, each a small module that is imported when it is used."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from booty import __version__

__all__ = ["COMMANDS", "Root", "command", "ended", "main"]

COMMANDS: Final = {
    "init": ("init", "Write a first booty.toml."),
    "up": ("up", "Fetch, plan, start, wait until ready."),
    "down": ("down", "Stop everything; data is kept."),
    "start": ("start", "Start services with what they need."),
    "stop": ("stop", "Stop services, those that need them first."),
    "restart": ("restart", "Restart services."),
    "scale": ("scale", "Run more or fewer instances of a service."),
    "reload": ("reload", "Let services read their configuration again."),
    "kill": ("kill", "Send a signal to services."),
    "self-restart": ("self_restart", "Replace guardian and supervisor; services go on."),
    "destroy": ("destroy", "Stop, and remove data, logs and secrets."),
    "ls": ("ls", "List every stack of this user."),
    "ps": ("ps", "Show what runs, and where."),
    "describe": ("describe", "Show all about one service."),
    "health": ("health", "Look at the services now."),
    "wait": ("wait", "Wait until services are ready, good, stopped or done."),
    "events": ("events", "Show what happened."),
    "logs": ("logs", "Show what services say."),
    "top": ("top", "Show what services use: CPU, memory, descriptors."),
    "attach": ("attach", "Watch table and logs live; leaving stops nothing."),
    "open": ("open_", "Open a service's web page."),
    "plan": ("plan", "Show what would happen."),
    "config": ("config", "Show the configuration that holds, and where each value is from."),
    "schema": ("schema", "Print the JSON Schema of booty.toml."),
    "graph": ("graph", "Show who waits for whom."),
    "ports": ("ports", "Show the ports of all stacks."),
    "analyze": ("analyze", "Show where the last start's time went."),
    "fetch": ("fetch", "Get programs into the store."),
    "lock": ("lock", "Write booty.lock."),
    "bundle": ("bundle", "Gather what the stack needs for machines without a network."),
    "store": ("store", "List, check and clear out the programs on this machine."),
    "rollback": ("rollback", "Go back to the versions that ran before."),
    "which": ("which", "Print the path of a program in the store."),
    "run-tool": ("run_tool", "Run a program out of the store."),
    "env": ("env", "Print URLs and credentials as variables."),
    "run": ("run", "Run a command with URLs and credentials."),
    "exec": ("exec_", "Run a command in a service's own surroundings."),
    "client": ("client", "Talk to a service."),
    "backup": ("backup", "Write a service's data to a folder."),
    "restore": ("restore", "Put back what backup wrote."),
    "secrets": ("secrets", "Set, get, list and rotate secrets."),
    "doctor": ("doctor", "See whether this machine is fit."),
    "unit": ("unit", "Print a systemd unit that brings the stack up at boot."),
    "providers": ("providers", "List the installed providers."),
    "completion": ("completion", "Print a completion script for a shell."),
    "version": ("version", "Print the versions."),
}
"""Commands by name: their module, and one line about each."""

INTERRUPTED: Final = 130
FLAGS: Final = frozenset(("--json", "--version", "-v", "-vv", "--verbose", "-q", "--quiet"))
VALUES: Final = frozenset(("--file", "--stack"))
OTHERS: Final = {"run": 1, "exec": 2, "run-tool": 2}
"""After so many words, the command itself among them, the rest belongs to somebody else."""


class Root(click.Group):
    """The group: lists commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return our commands, then those of third parties."""
        return [*COMMANDS, *sorted(_third_parties())]

    def invoke(self, ctx: click.Context) -> Any:
        """Carry the command out; whoever stops reading what it prints has had enough."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click would end with status 1 and without a word
            return _ended(error, verbose=0, as_json=False)

    def get_command(
        self,
        ctx: click.Context,
        cmd_name: str,
    ) -> click.Command | None:
        """Import one command."""
        if cmd_name in COMMANDS:
            module = importlib.import_module(f"booty.cli.{COMMANDS[cmd_name][0]}")
            found: click.Command = module.command
            return found
        other = _third_parties().get(cmd_name)
        return _loaded(cmd_name, other) if other is not None else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table; nothing is imported for it."""
        rows = [(name, line) for name, (_, line) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when one is mistyped."""
        name = args[0]
        if name not in COMMANDS and self.get_command(ctx, name) is None:
            from booty.cli import words

            near = words.ours(name, COMMANDS)
            hint = f' Did you mean "{near}"?' if near else ""
            ctx.fail(f'There is no command "{name}".{hint}')
        return super().resolve_command(ctx, args)


def _third_parties() -> dict[str, Any]:
    # only asked for a name that is not ours: the scan costs 25 ms
    from importlib import metadata

    return {point.name: point for point in metadata.entry_points(group="booty.commands")}


def _loaded(name: str, point: Any) -> click.Command:
    # somebody else's command fails alone, with a sentence
    try:
        found = point.load()
    except Exception as error:
        raise _broken(name, point, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, click.Command):
        raise _broken(name, point, f'"{point.value}" is no click command')
    return found


def _broken(name: str, point: Any, why: str) -> Exception:
    from booty.errors import ProviderError

    distribution = point.dist.name if point.dist else point.value
    return ProviderError(
        f'cannot load the command "{name}" of "{distribution}": {why}',
        reference="command-broken",
        subject=name,
        hint=f"pip install --upgrade {distribution}, or pip uninstall it",
    )


def _stack_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from booty.cli.common import stack_names

    return stack_names(ctx, param, incomplete)


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="One file describes an environment, one command makes it run: booty init && booty up",
)
@click.option("--file", metavar="PATH", help="booty.toml to use, or BOOTY_FILE.")
@click.option(
    "--stack",
    metavar="NAME",
    shell_complete=_stack_names,
    help="A registered stack or its folder, or BOOTY_STACK.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, or BOOTY_JSON=1.")
@click.option("-v", "--verbose", count=True, help="Say more; twice shows tracebacks.")
@click.option("-q", "--quiet", count=True, help="Say less.")
@click.version_option(__version__, prog_name="booty")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Fetch, start, watch and connect the programs that one booty.toml describes."""
    ctx.obj = options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; by default those of the process.

    Returns:
        The exit status (docs/reference/errors.md).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    given, verbose, as_json = _anywhere(given)
    try:
        found = command.main(given, prog_name="booty", standalone_mode=False)
        return int(found) if isinstance(found, int) else 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where none may pass
        return _ended(error, verbose=verbose, as_json=as_json)


def ended(error: Exception | KeyboardInterrupt, words: Sequence[str]) -> int:
    """Say how a command line ended that was carried out without this module.

    Args:
        error: what was raised.
        words: the command line, without the program's name.

    Returns:
        The exit status.
    """
    _, verbose, as_json = _anywhere([*words])
    return _ended(error, verbose=verbose, as_json=as_json)


def _ended(error: Exception | KeyboardInterrupt, *, verbose: int, as_json: bool) -> int:
    from booty.cli import faults
    from booty.errors import BootyError, BootyErrors

    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            return faults.misused(error, as_json=as_json)
        case BootyError() | BootyErrors():
            return faults.show(error, verbose=verbose, as_json=as_json)
        case KeyboardInterrupt() | click.Abort():
            return INTERRUPTED
        case BrokenPipeError():
            # whoever read our output has gone; python would complain at exit
            sys.stdout = None
            return 0
        case _:
            return _of_no_kind(error, verbose=verbose, as_json=as_json)


def _of_no_kind(error: Exception, *, verbose: int, as_json: bool) -> int:
    from booty.cli import faults

    if isinstance(error, OSError) and faults.is_of_output(error):
        return faults.show(faults.unprinted(error), verbose=verbose)
    return faults.unexpected(error, verbose=verbose, as_json=as_json)


def _anywhere(given: list[str]) -> tuple[list[str], int, bool]:
    # our own options may stand behind the command too, up to the words of somebody else's command
    if "_BOOTY_COMPLETE" in os.environ:
        return given, 0, False
    front: list[str] = []
    rest: list[str] = []
    words: list[str] = []
    left = list(reversed(given))
    while left and left[-1] != "--" and len(words) <= OTHERS.get((words or [""])[0], len(given)):
        item = left.pop()
        into = front if item in FLAGS or item.partition("=")[0] in VALUES else rest
        into.append(item)
        if item in VALUES or (item == "--as" and words[:1] == ["run"]):
            into += [left.pop()] if left else []
        elif not item.startswith("-"):
            words.append(item)
    verbose = sum(item.count("v") if item[:2] == "-v" else item == "--verbose" for item in front)
    as_json = "--json" in front or os.environ.get("BOOTY_JSON") == "1"
    return [*front, *rest, *reversed(left)], verbose, as_json
