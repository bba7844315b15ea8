"""Sockets that are bound here and handed to programs by systemd's protocol.

They are bound before the program starts, and kept while it is restarted: who connects meanwhile
waits in the backlog instead of being refused. The guardian keeps a copy of each, so that they
outlive a supervisor too.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from booty.run import ports
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.holdings import Holdings
    from booty.supervise.parent import Parent
    from booty.supervise.unit import Unit

__all__ = ["PREFIX", "Sockets"]

PREFIX: Final = "socket:"
"""Begins the names by which guardian and successors know these descriptors."""
FIRST: Final = 3
"""Number of the first socket in the program."""
BACKLOG: Final = 4096
"""Connections that may wait; the kernel's own limit holds too."""
_OVER: Final = frozenset(("stopped", "failed", "done", "absent"))


class Sockets:
    """The sockets of a stack's instances.

    Args:
        held: what the supervisor holds; its ``fds`` hold them.
        parent: keeps a copy of each.
    """

    def __init__(self, held: Holdings, parent: Parent) -> None:
        self._held = held
        self._parent = parent

    def of(self, unit: Unit) -> tuple[dict[int, int], dict[str, str]]:
        """Return what the program of an instance is given; binds what is not bound yet.

        Returns:
            Descriptors by their number there, and the variables that tell of them.

        Raises:
            ControlError: an address cannot be bound.
        """
        asked: list[dict[str, Any]] = unit.entry.get("sockets") or []
        self._drop(unit.name, {_key(unit.name, one) for one in asked})
        held = [self._fd(unit.name, one) for one in asked]
        names = ":".join(one["name"] for one in asked)
        env = {"LISTEN_FDS": str(len(asked)), "LISTEN_FDNAMES": names} if asked else {}
        return {FIRST + index: fd for index, fd in enumerate(held)}, env

    def _fd(self, instance: str, one: dict[str, Any]) -> int:
        key = _key(instance, one)
        if key not in self._held.fds:
            fd = _bound(instance, one)
            # the guardian has it before there is a program that relies on it
            self._parent.tell({"do": "keep", "name": key}, (fd,))
            self._held.fds[key] = fd
        return self._held.fds[key]

    def settle(self, unit: Unit) -> None:
        """Let go of the sockets of an instance that is down and is to stay so."""
        if unit.state == "failed" or (unit.state in _OVER and not self._held.wants(unit.name)):
            self._drop(unit.name, set())

    def settle_all(self) -> None:
        """Do the same for all, those of instances that are gone included."""
        names = {key.removeprefix(PREFIX).partition("/")[0] for key in self._keys()}
        for name in names - self._held.units.keys():
            self._drop(name, set())
        for unit in self._held.units.values():
            self.settle(unit)

    def numbers(self) -> set[int]:
        """Return the port numbers that are held."""
        return {int(key.rpartition(":")[2]) for key in self._keys()}

    def _keys(self) -> list[str]:
        return [key for key in self._held.fds if key.startswith(PREFIX)]

    def _drop(self, instance: str, keep: set[str]) -> None:
        for key in self._keys():
            if key.startswith(f"{PREFIX}{instance}/") and key not in keep:
                _close(self._held.fds.pop(key))
                self._parent.tell({"do": "drop", "name": key})


def _key(instance: str, one: dict[str, Any]) -> str:
    # another address is another socket
    return f"{PREFIX}{instance}/{one['name']}/{one['protocol']}/{one['bind']}:{one['port']}"


def _close(fd: int) -> None:
    # nobody waits until the guardian has closed its copy as well
    with socket.socket(fileno=fd) as made, suppress(OSError):
        made.shutdown(socket.SHUT_RDWR)


def _bound(instance: str, one: dict[str, Any]) -> int:
    try:
        made = ports.bound(one["bind"], one["port"], one["protocol"])
    except OSError as error:
        raise _cannot(instance, one, error) from error
    if made.type == socket.SOCK_STREAM:
        made.listen(BACKLOG)
    return made.detach()


def _cannot(instance: str, one: dict[str, Any], error: OSError) -> ControlError:
    return ControlError.of(
        f'cannot use port "{one["port"]}" for {instance}/{one["name"]}: {error.strerror}',
        reference="socket-unbound",
        status=10,
        subject=instance,
        hint="booty ports; end who holds it, or correct bind",
    )
