"""A state folder that was removed while its stack runs: its supervisor is found by the registry.

Standard library only: commands that look come here when they find no state.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from booty.errors import ConflictError
from booty.run import runtime
from booty.stack.place import Place, read, registered

if TYPE_CHECKING:
    from booty.supervise.client import Connection

__all__ = ["connect", "entry_at", "listing", "refuse", "words"]


def words(place: Place) -> str:
    """Return the sentence that says so."""
    return f'"{place.state}" was removed while its stack runs'


def entry_at(root: Path) -> dict[str, Any] | None:
    """Return the registry's entry of a stack that runs without its state; ``None`` if none does.

    Args:
        root: the folder of booty.toml, which may be gone too.
    """
    return next((one for one in registered() if _is(one, root) and _socket(one)), None)


def _is(entry: dict[str, Any], root: Path) -> bool:
    kept = read(Path(str(entry.get("state"))) / "id").get("id")
    return entry["root"] == str(root) and kept != entry.get("id")


def _socket(entry: dict[str, Any]) -> str | None:
    place = runtime.find(str(entry.get("id")), dict(os.environ))
    path = Path(f"{place}/control.sock")
    return str(path) if place and path.exists() else None


def connect(place: Place) -> Connection | None:
    """Return a connection to the supervisor of a stack whose state was removed, if there is one."""
    entry = None if place.id else entry_at(place.root)
    path = _socket(entry) if entry else None
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
