"""``booty events``."""

from __future__ import annotations

import json
from typing import Any

import click

from booty.cli import common


@click.command("events", short_help="Show what happened.")
@click.argument("name", required=False, shell_complete=common.service_names)
@click.option("-f", "--follow", is_flag=True, help="Go on as things happen.")
@click.option("-n", "count", type=int, default=50, show_default=True, help="How many at first.")
@click.pass_context
def command(ctx: click.Context, name: str | None, follow: bool, count: int) -> None:
    """Show what happened, newest last.

    Example: booty events bus -f
    """
    from booty.run.tail import last_lines
    from booty.supervise import state

    place = common.place(ctx)
    folder = state.Folder(place.state)
    lines = last_lines(folder.events, count if name is None else 10_000)
    chosen = [event for line in lines if (event := _parsed(line)) and _about(event, name)]
    if name is not None and not chosen:
        common.instance_names(place, (name,))
    for event in chosen[-count:] if count > 0 else []:
        _tell(event, plain=common.as_json(ctx))
    if follow:
        _follow(folder, name, plain=common.as_json(ctx))


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None  # the line that is just being written
    return found if isinstance(found, dict) else None


def _about(event: dict[str, Any], name: str | None) -> bool:
    instance = event.get("instance") or ""
    return name is None or name in {instance, instance.partition(".")[0]}


def _tell(event: dict[str, Any], *, plain: bool) -> None:
    if plain:
        click.echo(json.dumps(event, ensure_ascii=False))
        return
    detail = event["detail"]
    if event["kind"] == "state":
        words = f"{detail['from']} -> {detail['to']}"
        words += f": {detail['reason']}" if detail["reason"] else ""
    else:
        words = " ".join(f"{key}={_short(value)}" for key, value in detail.items() if value)
    click.echo(f"{event['at'][11:23]} {event['instance'] or '-'} {event['kind']} {words}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) < 200 else f"{text[:200]}…"  # noqa: PLR2004 - fits a line or two


def _follow(folder: Any, name: str | None, *, plain: bool) -> None:
    from booty.run.inotify import open_inotify
    from booty.run.signals import wakeup
    from booty.run.tail import Tail, wait_readable

    tail, watch, woken = Tail(folder.events), open_inotify([folder.root]), wakeup()
    while True:
        for line in tail.lines():
            event = _parsed(line)
            if event and _about(event, name):
                _tell(event, plain=plain)
        wait_readable([woken], watch, None)
