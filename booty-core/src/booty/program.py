"""The built-in provider ``program``: the user's own binary or command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty.hookspecs import API, hookimpl
from booty.model.component import Component
from booty.model.instance import Launch

if TYPE_CHECKING:
    from booty.model.instance import Instance

__all__ = ["BOOTY_API", "components", "configure"]

BOOTY_API: Final = API


@hookimpl
def components() -> tuple[Component, ...]:
    """Declare the one component; its ports, probes and needs are what the file says."""
    return (Component(id="program", program="", summary="Your own binary or command."),)


@hookimpl
def configure(instance: Instance) -> Launch:
    """Start what ``run`` says: a list is the argv, a string a line for ``/bin/sh -c``."""
    run = instance.spec["run"]
    return Launch(argv=("/bin/sh", "-c", run) if isinstance(run, str) else tuple(run))
