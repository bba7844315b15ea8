"""What a full disk refused to take: tried again while there is any, told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.supervise import state
from booty.supervise.complaint import complain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.run.loop import Loop
    from booty.supervise.journal import Journal
    from booty.supervise.unit import Unit

__all__ = ["Unsaved"]

RETRY: Final = 1.0
"""Seconds between tries; nothing is done, and nobody wakes, while all is written."""


class Unsaved:
    """State files and rows of instances that could not be written.

    Args:
        loop: the loop.
        journal: where a refusal is told.
        units: the instances, by name.
    """

    def __init__(self, loop: Loop, journal: Journal, units: Mapping[str, Unit]) -> None:
        self._loop = loop
        self._journal = journal
        self._units = units
        self._files: dict[str, tuple[dict[str, Any], bool]] = {}
        self._due = False

    def write(self, path: str, data: dict[str, Any], *, sync: bool) -> None:
        """Write a state file, now or as soon as there is room."""
        try:
            state.write_json(path, data, sync=sync, kept=state.beside(path) if sync else "")
        except OSError as error:
            if path not in self._files:
                why = f'cannot write "{path}": {error.strerror}'
                complain(why)
                self._journal.tell("warning", None, message=why)
            self._files[path] = data, sync
        else:
            self._files.pop(path, None)
        self.look()

    def look(self) -> None:
        """Try again later if anything is left."""
        refused = self._files or any(unit.refused for unit in self._units.values())
        if refused and not self._due:
            self._due = True
            self._loop.task(self._again())

    async def _again(self) -> None:
        await self._loop.sleep(RETRY)
        self._due = False
        for path, (data, sync) in list(self._files.items()):
            self.write(path, data, sync=sync)
        for unit in self._units.values():
            unit.save_again()
        self.look()
