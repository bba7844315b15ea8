"""The built-in provider ``external``: a server that somebody else runs; probed, never started."""

from __future__ import annotations

from typing import Final

from booty.hookspecs import API, hookimpl
from booty.model.component import Component

__all__ = ["BOOTY_API", "components"]

BOOTY_API: Final = API


@hookimpl
def components() -> tuple[Component, ...]:
    """Declare the one component; what it offers and where it is, the file says."""
    return (
        Component(
            id="external",
            program="",
            summary="A server that somebody else runs: probed, linked to, never started.",
            ready_timeout=30.0,
        ),
    )
