"""One look at this machine, before planning."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from booty.config import template
from booty.errors import BootyError, ConfigError
from booty.model.plan import Machine
from booty.model.platform import Platform
from booty.plan.links import texts
from booty.run import ports
from booty.secrets.making import read_variables
from booty.stack import numbers
from booty.stack.place import Place, leases
from booty.supervise import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booty.model.stack import StackSpec

__all__ = ["asked", "look"]


def look(place: Place, spec: StackSpec, faults: list[BootyError]) -> Machine:
    """Return what this machine offers to a stack.

    Args:
        place: the stack; ports that its own processes hold do not count as busy.
        spec: the file as read, for the variables and env-files that it asks for.
        faults: env-files that cannot be read are added here.
    """
    names = _names_in(place, spec, faults)
    return Machine(
        platform=Platform.current(),
        busy=_others(place, "tcp"),
        busy_udp=_others(place, "udp"),
        reserved=_reserved(place),
        ephemeral=ports.ephemeral(),
        env={name: os.environ[name] for name in sorted(set(asked(spec))) if name in os.environ},
        files={file: _digest(place.root / file) for file in sorted(names)},
        names={file: names[file] for file in sorted(names)},
    )


def _names_in(
    place: Place, spec: StackSpec, faults: list[BootyError]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    asked = ((one.name, file) for one in spec.services.values() for file in one.env_file)
    for service, file in asked:
        try:
            found[file] = tuple(sorted(read_variables(place.root / file)))
        except ConfigError as error:
            error.subject = f"services.{service}.env-file"
            faults.append(error)
    return found


def _others(place: Place, protocol: str) -> ports.Listening:
    saved = state.read(place.state)
    watchers = ((saved["stack"] or {}).get(name) for name in ("guardian", "supervisor"))
    # sockets that are handed to programs are held for them while they are restarted
    kept = {inode for one in watchers if one for inode in ports.inodes_of(one["pid"])}
    return ports.busy_ports(protocol).without(_own_ports(place, saved), kept)


def _own_ports(place: Place, saved: dict[str, Any]) -> set[int]:
    running = {row["instance"] for row in saved["instances"] if row.get("pid")}
    known = numbers.ports(place)
    return {number for key, number in known.items() if key.partition("/")[0] in running}


def _reserved(place: Place) -> dict[int, str]:
    return {
        number: str(one["root"])
        for one in leases()
        if one["id"] != place.id
        for number in one["ports"].values()
    }


def asked(spec: StackSpec) -> Iterator[str]:
    """Yield the names of variables that a file asks for, repeats included."""
    for service in spec.services.values():
        yield from service.pass_env
        for _, text in texts(service):
            try:
                names = template.names(text)
            except BootyError:
                continue  # the plan tells of it, together with everything else
            yield from (name.removeprefix("env.") for name in names if name.startswith("env."))


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""  # read_variables tells why
