"""What runs, as ``ps`` tells it: from state folder and run sheet; asks nobody, writes nothing."""

from __future__ import annotations

import os
from typing import Any, Final

from booty.supervise import state

__all__ = ["WORST", "listing", "sheet_of", "worst"]

WORST: Final = (
    "failed", "backoff", "degraded", "stopping", "absent", "fetched", "stopped", "configured",
    "starting", "bootstrapping", "ready", "done",
)  # fmt: skip
"""States, the one that deserves attention most first."""


def sheet_of(state_dir: str | os.PathLike[str], stack: dict[str, Any] | None) -> dict[str, Any]:
    """Return the run sheet that holds, or an empty one."""
    digest = (stack or {}).get("plan")
    try:
        found = state.read_json(state.Folder(state_dir).sheet(digest)) if digest else None
    except (OSError, ValueError):
        found = None
    return found or {"instances": [], "services": {}, "providers": {}}


def listing(
    state_dir: str | os.PathLike[str],
    root: str,
    name: str = "",
    *,
    sheet: tuple[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return what ``ps --json`` prints.

    Args:
        state_dir: the state folder; need not exist.
        root: the folder of booty.toml.
        name: the label, if the state does not know it.
        sheet: a digest and its run sheet, which is read if another one holds.
    """
    found = state.read(state_dir)
    stack = found["stack"]
    known, entries = sheet or (None, {})
    if known is None or known != (stack or {}).get("plan"):
        entries = sheet_of(state_dir, stack)
    rows = {row["instance"]: row for row in found["instances"]}
    supervisor = (stack or {}).get("supervisor")
    return {
        "format": 1,
        "stack": ((stack or {}).get("stack") or {}).get("name") or name,
        "root": root,
        "supervisor": {key: supervisor.get(key) for key in ("pid", "since")}
        if supervisor
        else None,
        "unwatched": bool((stack or {}).get("unwatched")),
        "services": [
            _service(entry, rows.get(entry["name"]), state_dir) for entry in entries["instances"]
        ],
    }


def _service(
    entry: dict[str, Any], row: dict[str, Any] | None, state_dir: str | os.PathLike[str]
) -> dict[str, Any]:
    row = row or {"state": "absent", "reason": None}
    return {
        "name": entry["service"],
        "instance": entry["name"],
        "component": entry["component"],
        "state": row["state"],
        "reason": row.get("reason"),
        "pid": row.get("pid"),
        "since": row.get("since"),
        "restarts": row.get("restarts", 0),
        "ports": entry["ports"],
        "urls": entry["urls"],
        "health": row.get("health"),
        "exit": row.get("exit"),
        "log": state.Folder(state_dir).log(entry["name"]),
        "labels": entry.get("labels", {}),
    }


def worst(states: list[str]) -> str:
    """Return the state that deserves attention most; ``absent`` for none."""
    return min(states, key=WORST.index) if states else "absent"
