"""The runtime folder of a stack that runs, made anew when somebody removed it.

A session that ends takes ``/run/user/UID`` along, a cleaner takes what is old in ``/tmp``: programs
go on, and whoever wants to speak to their supervisor finds no socket.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Final

from booty.run import runtime
from booty.run.inotify import Names
from booty.supervise import files
from booty.supervise.complaint import complain
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booty.supervise.supervision import Supervision

__all__ = ["Place", "watch"]

_KINDS: Final = {"control": socket.SOCK_STREAM, "notify": socket.SOCK_DGRAM}
SETTLE: Final = 0.05
"""Seconds after a change until it is looked what is missing."""
AGAIN: Final = 1.0
"""Seconds until it is tried again where no folder can be made."""


def watch(sup: Supervision, heeds: Sequence[Callable[[], None]]) -> None:
    """Make the runtime folder and its sockets anew whenever they are gone.

    Where the kernel tells of no changes nobody looks: that would wake an idle stack.

    Args:
        sup: the supervisor.
        heeds: called when the sockets are others: who listens does so anew.
    """
    place = Place(sup, heeds)
    sup.loop.soon(place.look)


class Place:
    """The runtime folder of a supervisor.

    Args:
        sup: the supervisor.
        heeds: called when the sockets are others.
    """

    def __init__(self, sup: Supervision, heeds: Sequence[Callable[[], None]]) -> None:
        self._sup = sup
        self._heeds = heeds
        self._changes: Names | None = None
        self._folder = str(sup.stack["runtime"])
        self._soon = False

    def look(self) -> None:
        """Look whether all is there, make what is not, and look again when something changes."""
        self._soon = False
        lost = [name for name in _KINDS if not os.path.exists(f"{self._folder}/{name}.sock")]
        try:
            if lost or self._lacks():
                self._remake(lost)
                self._watch()
            elif self._changes is None:
                self._watch()
        except (OSError, runtime.SocketPathError) as error:
            complain(f"cannot make the runtime folder anew: {error}")
            self._forget()
            self._sup.loop.after(AGAIN, self.look)

    def _lacks(self) -> bool:
        sup = self._sup
        running = (unit.name for unit in sup.units.values() if unit.process is not None)
        return not all(os.path.isdir(sup.values.run(name)) for name in running)

    def _changed(self, name: str) -> None:
        # what was made is there; who removes a folder removes one thing after another
        if name and os.path.exists(f"{self._folder}/{name}"):
            return
        if not name:
            self._forget()  # the folder itself: another one has to be watched
        if not self._soon:
            self._soon = True
            self._sup.loop.after(SETTLE, self.look)

    def _watch(self) -> None:
        self._forget()
        # a start of many makes a folder for each: nobody need be told of those
        self._changes = Names(self._sup.loop, self._folder, self._changed, only_gone=True)
        if self._changes.blind:
            self._forget()

    def _forget(self) -> None:
        if self._changes is not None:
            self._changes.close()
            self._changes = None

    def _remake(self, lost: list[str]) -> None:
        sup = self._sup
        if not os.path.isdir(self._folder):
            lost = list(_KINDS)
            self._folder = runtime.make(sup.stack_id, _environment(self._folder))
        for name in lost:
            made = runtime.bind(f"{self._folder}/{name}.sock", _KINDS[name])
            # the number stays: who has it in a table need not be told
            sup.loop.unwatch(sup.fds[name])
            os.dup2(made.fileno(), sup.fds[name], inheritable=False)
            made.close()
            sup.parent.tell({"do": "keep", "name": name}, (sup.fds[name],))
        for heed in self._heeds:
            heed()
        sup.values.runtime = self._folder
        sup.notify_path = f"{self._folder}/notify.sock"
        sup.note(runtime=self._folder)
        sup.journal.tell("warning", None, message=f'"{self._folder}" was removed; made anew')
        self._fill()

    def _fill(self) -> None:
        sup = self._sup
        for unit in sup.units.values():
            # what cannot be written now is written at its next start, which tells why not
            with contextlib.suppress(OSError, ControlError):
                os.makedirs(sup.values.run(unit.name), 0o700, exist_ok=True)
                if unit.process is not None:
                    files.place(unit.entry, sup.values, sup.blob)
                    files.environment(unit.entry, sup.base_env, sup.values)


def _environment(folder: str) -> dict[str, str]:
    # the place that it was in comes first
    above, name = os.path.split(os.path.dirname(folder))
    return {"XDG_RUNTIME_DIR": above} if name == "booty" else {}
