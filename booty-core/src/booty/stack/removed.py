"""A state folder that was removed while its stack runs: its supervisor is found by the registry.

Standard library only: commands that look come here when they find no state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.errors import ConflictError
from booty.stack.place import Place, control_socket, entry_without_state

if TYPE_CHECKING:
    from booty.supervise.client import Connection

__all__ = ["connect", "listing", "refuse", "words"]


def words(place: Place) -> str:
    """Return the sentence that says so."""
    return f'"{place.state}" was removed while its stack runs'


def connect(place: Place) -> Connection | None:
    """Return a connection to the supervisor of a stack whose state was removed, if there is one."""
    entry = None if place.id else entry_without_state(place.root)
    path = control_socket(entry) if entry else None
    if path is None:
        return None
    from booty.supervise import client

    try:
        return client.reach(path)
    except client.ControlError:
        return None  # a socket that a dead one left


def listing(place: Place) -> dict[str, Any] | None:
    """Return what ``ps --json`` prints, as the supervisor knows it; ``None`` if none runs."""
    link = connect(place)
    if link is None:
        return None
    with link:
        found = link.request("status", timeout=5.0)
    return {
        "format": 1,
        "stack": found["stack"]["stack"]["name"],
        "root": str(place.root),
        "supervisor": {"pid": link.hello["pid"], "since": None},
        "unwatched": False,
        "removed": True,
        "services": [_service(row, place) for row in found["instances"]],
    }


def _service(row: dict[str, Any], place: Place) -> dict[str, Any]:
    keys = ("instance", "state", "reason", "pid", "since", "restarts", "health", "exit")
    return {
        **{key: row.get(key) for key in keys},
        "name": str(row["instance"]).rpartition(".")[0],
        "component": "",
        "ports": {},
        "urls": {},
        "log": str(place.state / f"logs/{row['instance']}.log"),
        "labels": {},
    }


def refuse(place: Place) -> None:
    """Refuse to begin a stack anew while the one before it runs.

    Raises:
        ConflictError: it does.
    """
    link = connect(place)
    if link is None:
        return
    link.close()
    raise ConflictError(
        f"cannot begin anew: {words(place)}",
        reference="state-removed",
        subject=str(place.root),
        hint="booty down ends what runs; then booty up",
    )
