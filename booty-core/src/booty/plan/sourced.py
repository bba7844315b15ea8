"""The user's own program out of a source: what stands for its component, and what it is called."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from attrs import evolve

from booty.model.source import GoInstall, OnPath, Release, Wheel
from booty.model.stack import ProgramSource

if TYPE_CHECKING:
    from booty.model.component import Component
    from booty.model.source import Source
    from booty.model.stack import ServiceSpec

__all__ = ["binary_of", "id_of", "program_of", "sourced"]


def sourced(component: Component, service: str, given: ProgramSource) -> Component:
    """Return the component ``program`` as a service with a source of its own has it.

    Args:
        component: as it is declared.
        service: the service's name; the program's, where the source does not say it.
        given: the source.
    """
    name, source = program_of(service, given.source), given.source
    if isinstance(source, Release) and not source.member:
        source = evolve(source, member=name)
    return evolve(component, program=name, sources=(source,), older_on_newer=given.older_on_newer)


def program_of(service: str, source: Source) -> str:
    """Return what a program is called: its file's name, else the service's."""
    name = posixpath.basename(_file(source))
    # a name that holds version or platform would be another one with each of them
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) else service


def _file(source: Source) -> str:
    if isinstance(source, (Release, Wheel)):
        return source.member
    if isinstance(source, GoInstall):
        # as the go command calls it: the last part that is no major version
        return re.sub(r"/v\d+$", "", (source.packages or (source.module,))[0])
    return ""


def id_of(service: ServiceSpec) -> str:
    """Return what the lock knows the program of a service by; empty for a component's.

    Two stacks may call two programs the same: the mark of the source keeps them apart in the
    store that they share.
    """
    given = service.source
    if service.use != "program" or not isinstance(given, ProgramSource):
        return ""
    return f"program/{program_of(service.name, given.source)}.{given.mark}"


def binary_of(service: ServiceSpec) -> str:
    """Return the path or name of a program of the user's own machine; empty for a fetched one."""
    given = service.source
    if isinstance(given, ProgramSource) and isinstance(given.source, OnPath):
        # a name alone would be looked for on PATH
        path = given.source.binary
        return path if "/" in path else f"./{path}"
    return service.binary
