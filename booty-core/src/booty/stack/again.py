"""``up -d`` of a stack whose saved plan still holds, without the library that reads command lines.

Importing that library and what it is used for is a third of such a command's time, and all that it
would find out is known: :mod:`booty.stack.ahead` takes no other words. Whatever needs a plan is
left to the command.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from booty.stack import following
from booty.stack.choice import Choice
from booty.stack.handing import Session
from booty.stack.place import find

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["up"]

QUIET: Final = frozenset(("-q", "--quiet"))


def up(words: Sequence[str]) -> int | None:
    """Bring a stack up again whose watchers were begun ahead, if nothing of it changed.

    Args:
        words: the command line, without the program's name.

    Returns:
        The exit status if there was nothing to do; a start ends the process with its own.
        ``None`` if a plan has to be made: nothing was done.

    Raises:
        BootyError, BootyErrors: as :meth:`booty.stack.handing.Session.up`.
    """
    begin = time.monotonic()
    quiet = bool(QUIET & {*words})
    as_json = "--json" in words or os.environ.get("BOOTY_JSON") == "1"
    place = find()
    events = following.size(place.state / "events.jsonl")
    session = Session(place, handed=following.hold_stops, asked=following.prepare)
    outcome = session.again(Choice())
    if outcome is None:
        return None
    if not quiet:
        following.say(outcome)
    if outcome.nothing:
        following.say_nothing(place, begin, as_json=as_json, quiet=quiet)
        return 0
    told = following.arguments(
        session, outcome, quiet=quiet, json=as_json, command=following.called(),
        begin=begin, events=events, sheet=session.sheet,
    )  # fmt: skip
    following.follow_start(told, session.link)
    return None  # pragma: no cover - not reached
