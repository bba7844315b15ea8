"""``up -d`` of a stack that was up before: its watchers come up while the command is imported.

Half of a start's own time is python reading the command. What that will find out is mostly known:
guardian and supervisor are started before it. Whatever is not as simple as it looks is left to the
command, which says what is wrong; one that ends before it has handed over a plan ends them again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from booty import paths
from booty.stack import here, surroundings
from booty.supervise import launch, state
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["begin", "put_back", "take"]

DETACHED: Final = frozenset(("-d", "--detach"))
OTHERS: Final = frozenset(("up", "-q", "--quiet", "-v", "-vv", "--verbose", "--json"))
"""Words that change nothing about who is started."""
LIFETIME: Final = "outlive-me"

_begun: dict[str, launch.Start] = {}


def begin(words: Sequence[str]) -> bool:
    """Start the watchers of the stack that a command line is about, if that is plain to see.

    Args:
        words: the command line, without the program's name.

    Returns:
        Whether they were started, or are there.
    """
    asked = set(words)
    if asked <= DETACHED | OTHERS and asked & DETACHED and not here.asked_elsewhere():
        # what is wrong is met by the command too, which says it
        with suppress(ControlError, OSError, ValueError, KeyError, TypeError):
            _begin()
    return bool(_begun)


def take(folder: str) -> launch.Start | None:
    """Return the start of a stack that was begun ahead, once.

    Args:
        folder: its state folder.
    """
    return _begun.pop(folder, None)


def put_back(folder: str, start: launch.Start) -> None:
    """Leave a start to whoever takes it next.

    Args:
        folder: the state folder of its stack.
        start: what was taken.
    """
    _begun[folder] = start


def _begin() -> None:
    root = here.root()
    if root is None or _says(f"{root}/{here.FILE}", b"lifetime"):
        return
    folder = f"{root}/{here.STATE}"
    own = state.read_json(f"{folder}/id") or {}
    saved = state.read_json(f"{folder}/state/stack.json") or {}
    # one that was never up, that was moved, or that is a copy
    if not saved.get("plan") or own.get("root") != root or saved["stack"]["id"] != own["id"]:
        return
    _begun[folder] = launch.ensure(
        folder,
        stack_id=own["id"],
        name=saved["stack"]["name"],
        lifetime=LIFETIME,
        environment=surroundings.base_environment(),
        store=paths.store_name(),
        root=root,
        fork=True,
    )


def _says(file: str, word: bytes) -> bool:
    with open(file, "rb") as text:  # noqa: PTH123
        return word in text.read()
