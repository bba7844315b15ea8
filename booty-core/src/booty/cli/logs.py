"""``booty logs``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from booty.cli import common


@click.command("logs", short_help="Show what services say.")
@common.names_argument()
@click.option("-f", "--follow", is_flag=True, help="Go on as they say more.")
@click.option("-n", "count", type=int, default=20, show_default=True, help="Last lines of each.")
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], follow: bool, count: int) -> None:
    """Show what services say; several of them behind their names.

    Example: booty logs web bus -f
    """
    from booty.supervise import state

    place = common.place(ctx)
    folder = state.Folder(place.state)
    chosen = common.instance_names(place, names)
    show = _Lines(chosen, plain=common.as_json(ctx))
    _last(folder, chosen, count, show)
    if follow:
        _follow(folder, chosen, show)


class _Lines:
    """Prints lines behind the names of who said them."""

    def __init__(self, names: list[str], *, plain: bool) -> None:
        from booty.supervise.screen import Screen

        screen = Screen(sys.stdout)
        width = max((len(name) for name in names), default=0)
        self._plain = plain
        self._heads = {
            name: screen.coloured(name.ljust(width), number) for number, name in enumerate(names)
        }

    def tell(self, name: str, line: str) -> None:
        if self._plain:
            click.echo(json.dumps({"instance": name, "line": line}, ensure_ascii=False))
        elif len(self._heads) == 1:
            click.echo(line)
        else:
            click.echo(f"{self._heads[name]} | {line}")


def _last(folder: Any, names: list[str], count: int, show: _Lines) -> None:
    from booty.run.tail import last_lines

    for name in names:
        for line in last_lines(folder.log(name), count):
            show.tell(name, line)


def _follow(folder: Any, names: list[str], show: _Lines) -> None:
    import os

    from booty.run.inotify import open_inotify
    from booty.run.signals import wakeup
    from booty.run.tail import Tail, wait_readable

    if not os.path.isdir(folder.logs):  # noqa: PTH112 - pathlib is not imported here
        return
    tails = {name: Tail(folder.log(name)) for name in names}
    watch, woken = open_inotify([folder.logs]), wakeup()
    while True:
        for name, tail in tails.items():
            for line in tail.lines():
                show.tell(name, line)
        sys.stdout.flush()
        wait_readable([woken], watch, None)
