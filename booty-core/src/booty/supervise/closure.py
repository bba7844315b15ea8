"""Which instances a list of names stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["closure"]


def closure(sheet: dict[str, Any], names: Iterable[str] | None, without: set[str]) -> set[str]:
    """Return the instances that a list of names stands for, with all that they need.

    Raises:
        ControlError: a name that is no service and no instance.
    """
    entries = {entry["name"]: entry for entry in sheet["instances"]}
    left = list(entries) if names is None else [one for name in names for one in _of(sheet, name)]
    found: set[str] = set()
    while left:
        name = left.pop()
        if name not in found and entries[name]["service"] not in without:
            found.add(name)
            left += [target for need in entries[name]["needs"] for target in need["instances"]]
    return found


def _of(sheet: dict[str, Any], name: str) -> list[str]:
    found: list[str] = [
        entry["name"]
        for entry in sheet["instances"]
        if name in {entry["name"], entry["service"], f"{entry['service']}.{entry['role']}"}
    ]
    if not found:
        names = [entry["name"] for entry in sheet["instances"]]
        raise no_such(name, [*sheet["services"], *names])
    return found
