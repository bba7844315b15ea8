"""A full disk: what the state files could not be told, the supervisor knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty.stack.place import Place

__all__ = ["corrected", "is_full"]

ROOM: Final = 64 << 10
"""Bytes below which a row may have found no place."""
TOLD: Final = ("state", "reason", "pid", "since", "restarts", "health", "exit")


def is_full(place: Place) -> bool:
    """Tell whether the disk of a state folder may have refused something."""
    try:
        found = os.statvfs(place.state)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < ROOM or bool(found.f_flag & os.ST_RDONLY)


def corrected(found: dict[str, Any], place: Place) -> dict[str, Any]:
    """Return what ``ps --json`` prints, with the states that the supervisor knows.

    Args:
        found: what the files say.
        place: the stack.
    """
    from booty.supervise import client

    try:
        with client.connect(place.state) as link:
            told = link.request("status", timeout=5.0)["instances"]
    except client.ControlError:
        return found
    rows = {row["instance"]: row for row in told}
    services = [
        {**one, **{key: rows[one["instance"]].get(key) for key in TOLD}}
        if one["instance"] in rows
        else one
        for one in found["services"]
    ]
    return {**found, "services": services}
