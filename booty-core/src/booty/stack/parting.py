"""A plain ``down`` without the library that reads command lines.

Importing that library and what it is used for is half of such a command's time, and all that it
would find out is known. Whatever is not as simple as it looks is left to the command, which says
what is wrong.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from booty.stack import here
from booty.supervise import client, formats, screen, state
from booty.supervise.client import ControlError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LAST_WORDS", "down", "say", "status", "table"]

WORDS: Final = frozenset(("down", "-q", "--quiet", "-v", "-vv", "--verbose", "--json"))
"""Words that change nothing about what is asked."""
LAST_WORDS: Final = 5.0
"""Seconds that supervisor and guardian may take to leave after their report."""
FORCED: Final = 9
ENDS: Final = {"clean": "ended well", "code": "ended", "killed": "killed at the end of its grace"}


def down(words: Sequence[str]) -> int | None:
    """Bring down the stack that a command line is about, if that is plain to see and watched.

    Args:
        words: the command line, without the program's name.

    Returns:
        The exit status; ``None`` if the command has to see to it, which may ask once more.
    """
    if not {*words} <= WORDS or [*words].count("down") > 1 or here.asked_elsewhere():
        return None
    try:
        report = _down()
    except (ControlError, OSError, ValueError):
        return None
    if report is None:
        return None
    as_json = "--json" in words or os.environ.get("BOOTY_JSON") == "1"
    return say(report, as_json=as_json)


def _down() -> list[dict[str, Any]] | None:
    root = here.root()
    if root is None:
        return None
    folder = f"{root}/{here.STATE}"
    for kind, name in (("id", "id"), ("stack", "state/stack.json")):
        formats.refuse_newer(kind, state.read_json(f"{folder}/{name}") or {}, name)
    with client.connect(folder) as link:
        report: list[dict[str, Any]] = link.request("down")["report"]
        client.wait_until_left(folder, link, LAST_WORDS)
    return report


def say(report: list[dict[str, Any]] | None, *, as_json: bool) -> int:
    """Print how each instance ended.

    Args:
        report: a row each; ``None`` if nothing ran.
        as_json: whether to print JSON.

    Returns:
        The exit status.
    """
    if as_json:
        text = json.dumps({"format": 1, "report": report}, indent=1, ensure_ascii=False)
        sys.stdout.write(f"{text}\n")
    else:
        sys.stdout.write(table(report or []))
        sys.stdout.flush()
        sys.stderr.write("nothing runs\n" if report is None else "down; data is kept\n")
    return status(report or [])


def status(report: list[dict[str, Any]]) -> int:
    """Return the exit status that a report of a stop stands for."""
    return FORCED if any(row["how"] == "killed" for row in report) else 0


def table(report: list[dict[str, Any]]) -> str:
    """Return lines that tell how each instance ended; none for none."""
    head = ("INSTANCE", "HOW", "CODE", "TOOK")
    rows = [
        (row["instance"], ENDS[row["how"]], _code(row), f"{row['seconds']:.2f} s") for row in report
    ]
    return f"{screen.table(head, rows)}\n" if rows else ""


def _code(row: dict[str, Any]) -> str:
    if row["code"] is not None:
        return str(row["code"])
    return f"signal {row['signal']}" if row["signal"] else "unknown"
