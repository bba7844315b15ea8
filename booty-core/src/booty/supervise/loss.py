"""The loss of a critical service, as a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booty.supervise.unit import Unit
    from booty.supervise.wire import ControlError

__all__ = ["lost"]


def lost(unit: Unit, fault: ControlError) -> dict[str, Any]:
    """Return the fault that ends a whole stack, from the one that ended a critical instance."""
    return {
        **fault.data,
        "status": 11,
        "reference": "critical-lost",
        "message": f'cannot go on without "{unit.name}", which is critical: {unit.row["reason"]}',
        "hint": f"booty logs {unit.name}, then booty up",
    }
