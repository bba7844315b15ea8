"""``booty destroy``."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from pathlib import Path

    from booty.stack.place import Place

MARKER = ".booty-data"


@click.command("destroy", short_help="Stop, and remove data, logs and secrets.")
@common.names_argument()
@click.option("--yes", metavar="STACK", help="The stack's name, instead of being asked.")
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], yes: str | None) -> int:
    """Stop, and remove data, config, logs and generated secrets.

    Of the services named, or of the whole stack. Asks, or takes the stack's name. Only what booty
    made and marked is removed.

    Example: booty destroy --yes shop
    """
    found = common.place(ctx)
    _confirm(found, names, yes)
    removed = remove(found, names) if names else remove_all(found)
    if common.as_json(ctx):
        common.emit({"format": 1, "removed": removed})
    else:
        click.echo(f"removed: {', '.join(removed) or 'nothing was there'}", err=True)
    return 0


def _confirm(found: Place, names: tuple[str, ...], yes: str | None) -> None:
    from booty.errors import ConfigError
    from booty.stack import plans

    label = str(plans.latest(found).get("name") or found.root.name)
    what = ", ".join(names) or "everything"
    if yes is None:
        click.echo(f"this removes the data of {what} in {found.root}", err=True)
        yes = click.prompt(f"type the stack's name ({label}) to go on", err=True)
    if yes != label:
        raise ConfigError(
            f'cannot destroy {what}: "{yes}" is not the name of this stack',
            reference="not-confirmed",
            subject=str(found.root),
            hint=f"booty destroy --yes {label}",
        )


def remove(found: Place, names: tuple[str, ...]) -> list[str]:
    """Stop services and remove what is theirs; returns the instances."""
    from booty.errors import BootyError

    chosen = common.instance_names(found, names)
    try:
        common.ask(found, "stop", names=chosen)
    except BootyError as error:
        if error.reference != "not-running":
            raise
    for name in chosen:
        _remove_marked(found.state / "data" / name, found.id)
        shutil.rmtree(found.state / "config" / name, ignore_errors=True)
        (found.state / "logs" / f"{name}.log").unlink(missing_ok=True)
        if not _running(found):
            (found.state / "state" / "instances" / f"{name}.json").unlink(missing_ok=True)
    for service in {name.partition(".")[0] for name in chosen}:
        (found.state / "state" / "services" / f"{service}.json").unlink(missing_ok=True)
        _forget_secrets(found, service)
    return chosen


def _running(found: Place) -> bool:
    from booty.supervise import state

    stack = state.read(found.state)["stack"]
    return bool(stack and stack.get("supervisor"))


def _remove_marked(folder: Path, stack_id: str) -> None:
    # only what we made: the marker names the stack
    try:
        known: dict[str, Any] = json.loads((folder / MARKER).read_text())
    except (OSError, ValueError):
        return
    if known.get("stack") == stack_id:
        shutil.rmtree(folder, ignore_errors=True)


def _forget_secrets(found: Place, service: str) -> None:
    from booty import secrets

    kept = secrets.backend("", found.id)
    own = (f"{service}.", f"{service}/")
    kept.delete([key for key in kept.keys() if key.startswith(own)])  # noqa: SIM118 - no mapping


def remove_all(found: Place) -> list[str]:
    """Stop a stack and remove everything that booty made for it; returns the instances."""
    from booty.cli.down import stop
    from booty.stack import identity

    stop(found)
    data = found.state / "data"
    names = sorted(one.parent.name for one in data.glob(f"*/{MARKER}"))
    for name in names:
        _remove_marked(data / name, found.id)
    identity.forget(found)
    for name in ("config", "logs", "plans", "state", "traces", "locks"):
        shutil.rmtree(found.state / name, ignore_errors=True)
    for name in ("events.jsonl", "id", "plan.lock", "supervisor.lock", ".gitignore"):
        (found.state / name).unlink(missing_ok=True)
    for folder in (data, found.state):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return names
