"""``booty logs``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from booty.cli import common

if TYPE_CHECKING:
    from booty.run.history import Choice, Entry, History

LAST = 20
"""Lines of each that are shown where nothing else is asked for."""
TIMES: Final = "a time such as 2026-01-31T12:00:00Z, 12:30 or yesterday, nor an age such as 5m"


class Moment(click.ParamType[float]):
    """A time: RFC 3339, ``12:30``, ``yesterday``, or an age: ``5m``; in seconds since 1970."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it; click tells what is wrong."""
        found = value if isinstance(value, float) else _moment(str(value))
        if found is None:
            self.fail(f'"{value}" is neither {TIMES}', param, ctx)
        return found


def _moment(text: str) -> float | None:
    import time

    from booty.config import units
    from booty.errors import BootyError

    try:
        return _at(text)
    except ValueError:
        pass
    try:
        return time.time() - units.duration(text)
    except BootyError:
        return None


def _at(text: str) -> float:
    # without a zone it is the time of whoever looks, without a date it is today
    import datetime as dt

    today = dt.datetime.now(dt.UTC).astimezone().date()
    days = {"today": today, "yesterday": today - dt.timedelta(days=1)}
    if text in days:
        return dt.datetime.combine(days[text], dt.time()).timestamp()
    if ":" in text and "-" not in text:
        return dt.datetime.combine(today, dt.time.fromisoformat(text)).timestamp()
    return dt.datetime.fromisoformat(text).timestamp()


class Expression(click.ParamType[Any]):
    """A regular expression."""

    name = "regexp"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; click tells what is wrong."""
        import re

        from booty.run.search import finder

        try:
            return value if callable(value) else finder(value)
        except re.error as error:
            self.fail(f'"{value}" is no regular expression: {error}', param, ctx)


@click.command("logs", short_help="Show what services say.")
@common.names_argument()
@click.option("-f", "--follow", is_flag=True, help="Go on as they say more.")
@click.option(
    "-n",
    "count",
    type=click.IntRange(0),
    help=f"Last lines of each; {LAST} where nothing else is asked for.",
)
@click.option(
    "--since", type=Moment(), help="From a time on: RFC 3339, 12:30, yesterday, or an age: 5m."
)
@click.option("--until", type=Moment(), help="Up to a time.")
@click.option("--grep", type=Expression(), help="Only lines in which this matches.")
@click.option("-t", "--times", is_flag=True, help="When each was said, before it.")
@click.pass_context
def command(ctx: click.Context, /, names: tuple[str, ...], **asked: Any) -> None:
    """Show what services say, in the order in which they said it, rotated logs included.

    Example: booty logs web bus --since 5m --grep 'error|warn' -f
    """
    from booty.supervise import state

    place = common.place(ctx)
    _refuse_nonsense(asked)
    folder = state.Folder(place.state)
    chosen = common.instance_names(place, names, folder.logged())
    if not chosen:
        common.tell_nothing(place)
    show = _Lines(chosen, plain=common.as_json(ctx), times=asked["times"])
    logs = _histories(folder, chosen)
    choice = _choice(asked, timed=show.timed)
    try:
        _show(logs, choice, show, rest=not asked["follow"])
        if asked["follow"]:
            _follow(folder, logs, choice, show, every=not names)
    except BrokenPipeError:
        # whoever read has seen enough; what is left in our buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _refuse_nonsense(asked: dict[str, Any]) -> None:
    since, until = asked["since"], asked["until"]
    if asked["follow"] and until is not None:
        raise click.UsageError("cannot follow up to a time: -f and --until exclude each other")
    if since is not None and until is not None and since > until:
        raise click.UsageError("cannot show what was said: --since is later than --until")


def _choice(asked: dict[str, Any], *, timed: bool) -> Choice:
    from booty.run.history import Choice
    from booty.run.search import every

    plain = (asked["since"], asked["until"], asked["grep"]) == (None, None, None)
    last = LAST if plain and asked["count"] is None else asked["count"]
    last = None if last is None else min(last, sys.maxsize)
    return Choice(asked["since"], asked["until"], asked["grep"] or every, last, timed)


def _histories(folder: Any, names: list[str]) -> dict[str, History]:
    from booty.run.history import History
    from booty.supervise import listing, state

    try:
        entries = listing.sheet_of(folder.root, state.quiet(folder.stack))["instances"]
    except (OSError, ValueError, KeyError):
        entries = []
    forms = {entry["name"]: entry.get("log_time") or "" for entry in entries}
    return {name: History(name, folder.log(name), forms.get(name, "")) for name in names}


def _show(logs: dict[str, History], choice: Choice, show: _Lines, *, rest: bool) -> None:
    from booty.run.history import merged

    parts = [log.entries(choice, rest=rest) for log in logs.values()]
    show.tell(merged(parts) if len(parts) > 1 else (entry for part in parts for entry in part))


class _Lines:
    """Prints lines behind the names of who said them."""

    def __init__(self, names: list[str], *, plain: bool, times: bool) -> None:
        from booty.supervise.screen import Screen

        self._screen = Screen(sys.stdout)
        self._plain = plain
        self._times = times
        self._heads: dict[str, bytes] = {}
        self._width = max((len(name) for name in names), default=0)
        self.timed = plain or times or len(names) != 1
        for name in names:
            self._head(name)

    def _head(self, name: str) -> bytes:
        if name not in self._heads:
            shown = self._screen.coloured(name.ljust(self._width), len(self._heads))
            self._heads[name] = f"{shown} | ".encode()
        return self._heads[name] if len(self._heads) > 1 else b""

    def tell(self, entries: Iterable[Entry]) -> None:
        """Print; whoever reads may be gone."""
        sys.stdout.flush()
        out = sys.stdout.buffer
        for entry in entries:
            line = self._object(entry) if self._plain else self._line(entry)
            out.write(line.rstrip(b"\r") + b"\n")
        out.flush()

    def _line(self, entry: Entry) -> bytes:
        from booty.run.tail import text

        line = entry.line
        if self._screen.live:
            line = self._screen.harmless(text(line)).encode()
        at = f"{common.local(entry.at)} ".encode() if self._times and entry.at else b""
        return at + self._head(entry.name) + line

    def _object(self, entry: Entry) -> bytes:
        from booty.run.clock import stamp
        from booty.run.tail import text

        at = stamp(entry.at) if entry.at else None
        said = {"instance": entry.name, "at": at, "line": text(entry.line)}
        return json.dumps(said, ensure_ascii=False).encode()


class _Following:
    """The logs that are followed; where none is named, those that come later too."""

    def __init__(self, folder: Any, logs: dict[str, History], *, every: bool) -> None:
        from booty.run.tail import Tail

        self._folder = folder
        self._every = every
        self._tails = {name: (log, Tail(log.path, at=log.end)) for name, log in logs.items()}

    def new(self, choice: Choice) -> list[Entry]:
        """Return the lines that came since the last call."""
        if self._every:
            self._find_new()
        return sorted(
            (entry for log, tail in self._tails.values() for entry in _entries(log, tail, choice)),
            key=lambda entry: entry.at,
        )

    def _find_new(self) -> None:
        from booty.run.history import History
        from booty.run.tail import Tail

        for name in self._folder.logged():
            if name not in self._tails:
                log = History(name, self._folder.log(name))
                self._tails[name] = (log, Tail(log.path, 0))


def _entries(log: History, tail: Any, choice: Choice) -> Iterable[Entry]:
    import time

    from booty.run.history import Entry

    now = time.time()
    for block in tail.blocks():
        for start, stop in choice.find(block):
            line = block[start:stop]
            at = log.stamped(line) or now
            if choice.since is None or at >= choice.since:
                yield Entry(at, log.name, line)


def _follow(
    folder: Any, logs: dict[str, History], choice: Choice, show: _Lines, *, every: bool
) -> None:
    from booty.run.inotify import open_inotify
    from booty.run.signals import wakeup
    from booty.run.tail import wait_readable

    if not os.path.isdir(folder.logs):  # noqa: PTH112 - pathlib is not imported here
        return
    following = _Following(folder, logs, every=every)
    watch, woken = open_inotify([folder.logs]), wakeup()
    while True:
        show.tell(following.new(choice))
        wait_readable([woken], watch, None)
