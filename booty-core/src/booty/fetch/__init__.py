"""Fetching with trust: sources, verification, unpacking, store, lock.

Names are loaded when they are first used: a start of a saved plan checks its programs
(:mod:`booty.fetch.integrity`) without an HTTP library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty.fetch.drift import refuse_changes, refuse_drift
    from booty.fetch.getting import at_hand, ensure, stored
    from booty.fetch.lock import Lock, Locked
    from booty.fetch.looking import Outlook, outlooks
    from booty.fetch.progress import Progress, Tell, silent
    from booty.fetch.store import Store

__all__ = [
    "Lock",
    "Locked",
    "Outlook",
    "Progress",
    "Store",
    "Tell",
    "at_hand",
    "ensure",
    "outlooks",
    "refuse_changes",
    "refuse_drift",
    "silent",
    "stored",
]

_HOMES: Final = {
    "Lock": "lock",
    "Locked": "lock",
    "Progress": "progress",
    "Store": "store",
    "Tell": "progress",
    "at_hand": "getting",
    "ensure": "getting",
    "Outlook": "looking",
    "outlooks": "looking",
    "refuse_changes": "drift",
    "refuse_drift": "drift",
    "silent": "progress",
    "stored": "getting",
}


def __getattr__(name: str) -> Any:
    """Load a name from its home when it is first asked for."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
