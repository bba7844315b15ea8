"""``booty attach``."""

from __future__ import annotations

import collections
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from booty.cli import common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booty.run.history import Entry
    from booty.run.tail import Tail
    from booty.stack.place import Place
    from booty.supervise.panel import Panel

CHUNK: Final = 65536
KEPT: Final = 1000
"""Lines of output that are kept for a terminal that grows."""
FIRST: Final = 50
"""Lines of each log that are shown at first."""
LEAVES: Final = " q leaves; nothing is stopped "


@click.command("attach", short_help="Watch table and logs live; leaving stops nothing.")
@common.names_argument()
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Watch the table of services and what they say, until q or ctrl-C; nothing is stopped.

    It ends when the stack is down. Off a terminal: changes of state and log lines as they come.

    Example: booty attach web
    """
    from booty.supervise.screen import Screen

    place = common.place(ctx)
    view = _View(place, names)
    if not view.runs():
        raise _not_running(place)
    if Screen(sys.stdout).live:
        _on_terminal(view)
    else:
        _in_lines(view)
    if not view.runs():
        click.echo("the stack is down", err=True)


def _not_running(place: Place) -> Exception:
    from booty.errors import ConflictError

    return ConflictError(
        f'cannot attach: the stack in "{place.root}" is not running',
        reference="not-running",
        subject=str(place.root),
        hint="booty up -d",
    )


def _on_terminal(view: _View) -> None:
    from booty.supervise.panel import Panel

    said: collections.deque[tuple[str, str]] = collections.deque(maxlen=KEPT)
    watch = view.watch()
    with Panel() as panel:
        while not panel.left and view.runs():
            said.extend(view.news())
            panel.draw(_page(view, said, *panel.size()))
            _wait(panel, watch)


def _wait(panel: Panel, watch: int | None) -> None:
    from booty.run.inotify import LOOK

    if watch is None:
        panel.wait([], LOOK)
    elif panel.wait([watch], None):
        os.read(watch, CHUNK)


def _page(
    view: _View, said: collections.deque[tuple[str, str]], columns: int, height: int
) -> list[str]:
    # the table keeps at most half of the lines: what is said is what one watches
    table, most = view.table(), max(2, height // 2)
    if len(table) > most:
        table = [*table[: most - 1], f"… and {len(table) - most + 1} more: booty ps"]
    rest = max(0, height - len(table) - 1)
    shown = list(said)[-rest:] if rest else []
    lines = (view.line(name, text, columns) for name, text in shown)
    return [*table, LEAVES.center(columns, "─"), *lines]


def _in_lines(view: _View) -> None:
    from booty.run.signals import wakeup
    from booty.run.tail import wait_readable

    watch, woken = view.watch(), wakeup()
    runs = True
    while runs:
        runs = view.runs()  # what is said until its end is shown
        for text in view.changes():
            click.echo(text, err=True)
        for name, text in view.news():
            click.echo(f"{name} | {text}")
        sys.stdout.flush()
        if runs:
            wait_readable([woken], watch, None)


class _View:
    """A stack as its files tell it: nobody is asked, so nobody's death ends it."""

    def __init__(self, place: Place, names: tuple[str, ...]) -> None:
        from booty.supervise import state
        from booty.supervise.screen import Screen

        self._place = place
        self._folder = state.Folder(place.state)
        self._chosen = set(common.instance_names(place, names)) if names else None
        self._tails: dict[str, Tail] = {}
        self._states: dict[str, tuple[str, str | None]] = {}
        self._screen = Screen(sys.stdout)

    def _rows(self) -> list[dict[str, Any]]:
        # what a later change brings is shown too, unless names were given
        from booty.supervise import listing

        rows = listing.listing(self._place.state, str(self._place.root))["services"]
        return [row for row in rows if self._chosen is None or row["instance"] in self._chosen]

    def runs(self) -> bool:
        """Tell whether somebody watches the stack, or something of it runs."""
        from booty.run import locks

        return locks.held(self._folder.lock) or any(row["pid"] for row in self._rows())

    def watch(self) -> int | None:
        """Return what becomes readable when something changes."""
        from booty.run.inotify import open_inotify

        return open_inotify([self._folder.logs, str(self._place.state / "state")])

    def table(self) -> list[str]:
        """Return the table of services."""
        from booty.supervise.telling import services

        return services({"services": self._rows()}).splitlines()

    def changes(self) -> Iterator[str]:
        """Yield changes of state since the last call."""
        for row in self._rows():
            name, now = row["instance"], (row["state"], row["reason"])
            if self._states.get(name) != now:
                self._states[name] = now
                yield f"{name} {now[0]}{f': {now[1]}' if now[1] else ''}"

    def news(self) -> Iterator[tuple[str, str]]:
        """Yield lines that were said since the last call, with the names of who said them."""
        from booty.run.history import merged
        from booty.run.tail import text

        rows = self._rows()
        first = [self._last(row["instance"], row["log"]) for row in rows if self._is_new(row)]
        for entry in merged(first):
            yield entry.name, text(entry.line)
        for row in rows:
            for line in self._tails[row["instance"]].lines():
                yield row["instance"], line

    def _is_new(self, row: dict[str, Any]) -> bool:
        return row["instance"] not in self._tails

    def _last(self, name: str, path: str) -> list[Entry]:
        # in the order in which they were said, whoever said them
        from booty.run.history import Choice, History
        from booty.run.tail import Tail

        log = History(name, path)
        found = [*log.entries(Choice(last=FIRST), rest=False)]
        self._tails[name] = Tail(path, at=log.end)
        return found

    def line(self, name: str, text: str, columns: int) -> str:
        """Return a line for the terminal: the name in its colour, nothing that moves the cursor."""
        from booty.supervise.screen import plain

        width = max(len(one) for one in self._tails)
        shown = plain(text.expandtabs())[: max(0, columns - width - 3)]
        number = list(self._tails).index(name)
        return f"{self._screen.coloured(name.ljust(width), number)} | {shown}"
