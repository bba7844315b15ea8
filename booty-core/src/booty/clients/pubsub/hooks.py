"""Hooks of a message: called by the driver, whatever they raise fails that message alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booty.clients.pubsub.message import Hook

__all__ = ["call_hook"]


def call_hook(hook: Hook | None, native: Any = None) -> Exception | None:
    """Call a hook, if there is one, and return what it raised.

    Args:
        hook: of the program.
        native: the library's own message; ``None`` if there is none.
    """
    if hook is None:
        return None
    try:
        hook(native)
    except Exception as error:  # noqa: BLE001 - it is the caller's, and goes back to the caller
        return error
    return None
