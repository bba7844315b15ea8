"""Ports that somebody else took while an instance was down. Standard library alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.run import owner, ports
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from booty.supervise.supervision import Supervision

__all__ = ["refuse_occupied"]


def refuse_occupied(
    sup: Supervision, entries: dict[str, dict[str, Any]], names: Iterable[str]
) -> None:
    """Refuse to start instances whose ports are held by somebody else.

    Ports of what runs in this stack do not count: it is about to be stopped, or keeps them.

    Args:
        sup: the supervisor.
        entries: the run sheet's entries by name.
        names: the instances that are about to be started.

    Raises:
        ControlError: some are held (``port-busy``, 10); process, command and stack are named.
    """
    own = {
        number
        for unit in sup.units.values()
        if unit.process is not None
        for number in unit.entry["ports"].values()
    }
    own |= sup.sockets.numbers()
    faults = [
        fault
        for name in names
        for port, number, bind, protocol in _listeners(entries[name])
        if number not in own and ports.taken(bind, number, protocol)
        if (fault := _fault(sup, f"{name}/{port}", number, protocol))
    ]
    if faults:
        raise ControlError.several(faults)


def _listeners(entry: dict[str, Any]) -> Iterator[tuple[str, int, str, str]]:
    if entry["kind"] == "external":
        return
    endpoints = (entry["instance"] or {}).get("endpoints", {})
    for port, number in entry["ports"].items():
        known = endpoints.get(port, {})
        yield port, number, known.get("bind") or "127.0.0.1", known.get("protocol") or "tcp"


def _fault(sup: Supervision, key: str, number: int, protocol: str) -> ControlError | None:
    pid, phrase = ports.holder(number, protocol)
    found = owner.of(pid) if pid else {}
    if found.get("root") == sup.values.root:
        return None  # left by a former life of this stack: it is ended before the start
    end = f"booty --stack {found['root']} down" if found else "end what holds it"
    return ControlError.of(
        f'cannot use port "{number}" for {key}: it is held by {phrase}',
        reference="port-busy",
        status=10,
        subject=key.partition("/")[0],
        hint=f"{end}, or booty up --ports reallocate; an exact one is changed in booty.toml",
    )
