"""The states of an instance and every way from one to another: this table, and nothing else."""

from __future__ import annotations

from typing import Final

__all__ = ["EDGES", "LIVE", "SETTLED", "StateError", "check"]

EDGES: Final[dict[str, frozenset[str]]] = {
    "absent": frozenset({"fetched", "configured", "stopped"}),
    "fetched": frozenset({"configured", "stopped"}),
    "configured": frozenset({"starting", "stopped", "failed", "ready", "backoff"}),
    "starting": frozenset({"bootstrapping", "ready", "failed", "stopping", "stopped", "done",
                           "backoff", "configured"}),
    "bootstrapping": frozenset({"ready", "failed", "stopping", "stopped", "backoff",
                                "configured"}),
    "ready": frozenset({"degraded", "stopping", "stopped", "backoff", "configured", "failed",
                        "done", "starting", "bootstrapping"}),
    "degraded": frozenset({"ready", "stopping", "stopped", "backoff", "configured", "failed",
                           "done", "starting"}),
    "backoff": frozenset({"starting", "configured", "failed", "stopped"}),
    "stopping": frozenset({"stopped", "done", "failed"}),
    "stopped": frozenset({"configured", "ready", "starting", "absent"}),
    "failed": frozenset({"configured", "stopped", "starting"}),
    "done": frozenset({"configured", "stopped", "starting"}),
}  # fmt: skip
"""From each state, the states that can follow (docs/explanation/states.md draws it)."""

LIVE: Final = frozenset({"starting", "bootstrapping", "ready", "degraded", "stopping"})
"""States with a process, if the instance is no external one."""

SETTLED: Final = frozenset({"stopped", "failed", "done"})
"""States in which nothing goes on."""


class StateError(Exception):
    """A transition that is not in the table: a fault of ours."""


def check(old: str, new: str) -> None:
    """Refuse a transition that is not in the table.

    Raises:
        StateError: it is not.
    """
    if new not in EDGES[old]:
        raise StateError(f"cannot go from {old} to {new}")
