"""``booty events``."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from booty.cli import common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booty.run.history import History
    from booty.supervise.state import Folder


@click.command("events", short_help="Show what happened.")
@click.argument("name", required=False, shell_complete=common.service_names)
@click.option("-f", "--follow", is_flag=True, help="Go on as things happen.")
@click.option(
    "-n",
    "count",
    type=click.IntRange(0),
    default=50,
    show_default="50",
    help="How many at first.",
)
@click.pass_context
def command(ctx: click.Context, name: str | None, follow: bool, count: int) -> None:
    """Show what happened, newest last.

    Example: booty events bus -f
    """
    from booty.run.history import History
    from booty.supervise import state

    place = common.place(ctx)
    folder = state.Folder(place.state)
    log, plain = History("", folder.events), common.as_json(ctx)
    chosen = [*_chosen(log, name, count)]
    if not chosen and name is not None:
        common.instance_names(place, (name,), folder.logged())
    elif not chosen and count:
        common.tell_nothing(place)
    for event in chosen[-count:] if count else []:
        _tell(event, plain=plain)
    if follow and os.path.isdir(folder.root):  # noqa: PTH112 - pathlib is not imported here
        _follow(folder, log, name, plain=plain)


def _chosen(log: History, name: str | None, count: int) -> Iterator[dict[str, Any]]:
    # those of one are among all that is kept, however much others did since
    from booty.run.history import Choice
    from booty.run.search import finder
    from booty.run.tail import text

    if name is None:
        choice = Choice(last=min(count, sys.maxsize), timed=False)
    else:
        choice = Choice(find=finder(f'"instance": "{re.escape(name)}'), timed=False)
    for entry in log.entries(choice, rest=False):
        event = _parsed(text(entry.line))
        if event is not None and _about(event, name):
            yield event


def _parsed(line: str) -> dict[str, Any] | None:
    # the line that is just being written is none yet, nor is one that a full disk cut
    try:
        found = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(found, dict) and isinstance(found.get("detail"), dict)
    return found if whole and isinstance(found.get("at"), str) else None


def _about(event: dict[str, Any], name: str | None) -> bool:
    instance = event.get("instance") or ""
    return name is None or name in {instance, instance.partition(".")[0]}


def _tell(event: dict[str, Any], *, plain: bool) -> None:
    from booty.run import clock

    if plain:
        click.echo(json.dumps(event, ensure_ascii=False))
        return
    detail, at = event["detail"], common.local(clock.stamped(event["at"]))
    click.echo(f"{at} {event.get('instance') or '-'} {event.get('kind')} {_words(event, detail)}")


def _words(event: dict[str, Any], detail: dict[str, Any]) -> str:
    if event.get("kind") == "state":
        words = f"{detail.get('from')} -> {detail.get('to')}"
        return f"{words}: {detail['reason']}" if detail.get("reason") else words
    return " ".join(f"{key}={_short(value)}" for key, value in detail.items() if value)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) < 200 else f"{text[:200]}…"  # noqa: PLR2004 - fits a line or two


def _follow(folder: Folder, log: History, name: str | None, *, plain: bool) -> None:
    from booty.run.inotify import open_inotify
    from booty.run.signals import wakeup
    from booty.run.tail import Tail, wait_readable

    tail = Tail(log.path, at=log.end)
    watch, woken = open_inotify([folder.root]), wakeup()
    while True:
        for line in tail.lines():
            event = _parsed(line)
            if event and _about(event, name):
                _tell(event, plain=plain)
        wait_readable([woken], watch, None)
