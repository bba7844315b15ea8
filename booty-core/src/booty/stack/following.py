"""What follows a hand-over, whoever made it: what is said of it, and the follower."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from booty.stack.place import read
from booty.supervise.launch import STOPS

if TYPE_CHECKING:
    from pathlib import Path

    from booty.stack.choice import Outcome
    from booty.stack.handing import Session
    from booty.stack.place import Place
    from booty.supervise.client import Connection

__all__ = [
    "arguments",
    "called",
    "follow_start",
    "hear_stops",
    "hold_stops",
    "prepare",
    "say",
    "say_nothing",
    "size",
]


def hear_stops() -> None:
    """Let every signal that asks for a stop be what ctrl-C is, unless the shell ignores it."""
    for number in STOPS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def hold_stops() -> None:
    """Let no such signal come between a hand-over and its follower, who then takes it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def say(outcome: Outcome) -> None:
    """Print what somebody should know of a hand-over, on stderr."""
    lines = [f"warning: {text}" for text in outcome.warnings]
    for name, why in outcome.left_out.items():
        lines.append(f"left out: {name}{f': {why}' if why else ''}")
    lines += [f"note: {text}; booty up --replan takes it" for text in outcome.stale]
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - what the command says


def say_nothing(place: Place, begin: float, *, as_json: bool, quiet: bool) -> None:
    """Print what runs, where nothing was to be done.

    Args:
        place: the stack.
        begin: when the command began, in seconds of the monotonic clock.
        as_json: whether as data.
        quiet: whether the table is enough.
    """
    from booty.supervise import listing
    from booty.supervise.telling import services

    found = listing.listing(place.state, str(place.root))
    if as_json:
        shown = {**found, "changes": [], "error": None}
        print(json.dumps(shown, indent=1, ensure_ascii=False))  # noqa: T201 - likewise
        return
    print(services(found), flush=True)  # noqa: T201 - likewise
    if quiet:
        return
    ready = sum(row["state"] in {"ready", "done"} for row in found["services"])
    seconds = time.monotonic() - begin
    words = f"nothing to do: {ready} ready, looked in {seconds:.2f} s"
    print(words, file=sys.stderr)  # noqa: T201 - likewise


def arguments(session: Session, outcome: Outcome, **asked: Any) -> dict[str, Any]:
    """Return what a follower is told of a stack that was handed over.

    Args:
        session: who handed it over.
        outcome: what that did.
        asked: what the command line says; see :func:`booty.supervise.follower.main`.
    """
    place = session.place
    return {
        "state": str(place.state),
        "root": str(place.root),
        "names": None,
        "timeout": None,
        "client": _client_of(place, session.data),
        "started": session.started,
        "holds": False,
        "keep": False,
        "nothing": outcome.nothing,
        "after": [],
        "first": True,
        **asked,
    }


def prepare() -> None:
    """Import what follows a start."""
    import booty.supervise.follower  # noqa: F401 - it is all there is to do


def follow_start(told: dict[str, Any], link: Connection | None = None) -> None:
    """Follow a start to its end in this process, and end it.

    Another python for that would slow the start down.

    Args:
        told: see :func:`arguments`.
        link: the connection that the plan was handed over by.
    """
    from booty.supervise import follower

    sys.stdout.flush()
    sys.stderr.flush()
    follower.main({**told, "detach": True}, os._exit, link)


def called() -> str:
    """Return how the person called booty: as it was, if typing "booty" would not find it."""
    name = sys.argv[0]
    if os.path.basename(name) != "booty" or name == "booty":  # noqa: PTH119 - no pathlib here
        return "booty"
    on_path = any(
        os.path.join(folder, "booty") == os.path.abspath(name)  # noqa: PTH100, PTH118 - likewise
        for folder in os.environ.get("PATH", "").split(os.pathsep)
    )
    return "booty" if on_path else os.path.relpath(name)


def size(file: Path) -> int:
    """Return how many bytes a file has, 0 if it is not there."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _client_of(place: Place, data: dict[str, Any] | None) -> str | None:
    # a service that has client commands
    if data is None:
        latest = read(place.state / "plans" / "latest.json").get("plan", "")
        data = read(place.state / "plans" / f"{latest}.plan.json")
    services = data.get("services", {})
    return next((name for name, one in services.items() if one.get("clients")), None)
