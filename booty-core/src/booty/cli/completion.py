"""``booty completion``."""

from __future__ import annotations

import click


@click.command("completion", short_help="Print a completion script for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script for a shell; commands, options and services are completed.

    Example: eval "$(booty completion bash)"
    """
    from click.shell_completion import get_completion_class

    from booty.cli import command as root

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click knows all three
        raise click.UsageError(shell)
    click.echo(kind(root, {}, "booty", "_BOOTY_COMPLETE").source())
