"""The public face: a stack is opened, brought up, asked, brought down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booty.stack.face import Stack

__all__ = ["Stack"]


def __getattr__(name: str) -> Any:
    """Load the face when it is asked for: commands that look need only a part of this floor."""
    if name != "Stack":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from booty.stack.face import Stack

    return Stack
