"""What the programs of a stack write, line by line, each behind its instance's name."""

from __future__ import annotations

import sys

from booty.run.tail import Tail
from booty.supervise import state
from booty.supervise.screen import Screen

__all__ = ["Lines"]


class Lines:
    """The lines of all instances, as they come.

    Args:
        folder: the state folder.
        begun: instances whose lines are shown from the beginning of this start.
    """

    def __init__(self, folder: state.Folder, begun: set[str]) -> None:
        self._folder = folder
        self._screen = Screen(sys.stdout)
        self._tails: dict[str, Tail] = {}
        for row in state.read(folder.root)["instances"]:
            name = row["instance"]
            # what runs since yesterday has said enough
            offset = int(row.get("log_offset") or 0) if name in begun else None
            self._tails[name] = Tail(folder.log(name), offset)

    def show(self) -> None:
        """Print what is new, each line behind its instance's name."""
        self._find_new()
        width = max((len(name) for name in self._tails), default=0)
        for number, (name, tail) in enumerate(self._tails.items()):
            head = self._screen.coloured(name.ljust(width), number)
            for line in tail.lines():
                sys.stdout.write(f"{head} | {self._screen.harmless(line)}\n")
        sys.stdout.flush()

    def _find_new(self) -> None:
        # an instance that a later change brought
        for name in self._folder.logged():
            if name not in self._tails:
                self._tails[name] = Tail(self._folder.log(name), 0)
