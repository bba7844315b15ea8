"""Formats of the files in a state folder: read in their own and the one before, else refused.

The number in ``state/stack.json`` stands for the whole folder: it is raised with any other one, so
that an older booty is stopped by it before it looks at anything else. Standard library alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from booty.supervise.wire import ControlError

__all__ = ["FORMATS", "newer", "of", "refuse_newer", "sound", "upgraded"]

FORMATS: Final = {"id": 1, "stack": 1, "ports": 1, "secrets": 1, "data": 1}
"""What this booty writes, by kind of file."""

_SHAPES: Final[Mapping[str, Mapping[str, tuple[type, ...]]]] = {
    "id": {"id": (str,), "root": (str,)},
    "stack": {
        "stack": (dict,), "plan": (str, type(None)), "desired": (dict,), "without": (list,),
        "scale": (dict,), "rolling": (list,), "former": (dict,), "lifetime": (str,),
        "runtime": (str,),
        "environment": (dict,), "store": (str,), "root": (str,), "machine": (dict,),
        "supervisor": (dict, type(None)), "guardian": (dict, type(None)),
    },
    "data": {"stack": (str,), "instance": (str,), "version": (str,), "component": (str,)},
}  # fmt: skip
"""Types of values; one of another type was not written by booty and counts as missing."""


def _numbers(data: Mapping[str, Any]) -> dict[str, int]:
    return {
        key: one for key, one in data.items() if isinstance(one, int) and not isinstance(one, bool)
    }


def _with_format(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    # format 0 was the bare mapping
    return lambda data: {"format": 1, name: _numbers(data)}


_BEFORE: Final[Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    ("ports", 0): _with_format("ports"),
    ("secrets", 0): _with_format("secrets"),
}
"""How a file of a former format becomes one of the next."""


def of(kind: str, data: Mapping[str, Any]) -> int:
    """Return the format of a file's content; 0 = the time before formats had numbers.

    Args:
        kind: one of :data:`FORMATS`.
        data: what the file holds.
    """
    found = data.get("format")
    if isinstance(found, int) and not isinstance(found, bool) and (kind, 0) not in _BEFORE:
        return found
    # a mapping of names to numbers may have an entry of that name
    return found if isinstance(found, int) and isinstance(data.get(kind), dict) else 0


def refuse_newer(kind: str, data: Mapping[str, Any], path: str) -> None:
    """Refuse what a newer booty wrote, before anything is lost of it.

    Args:
        kind: one of :data:`FORMATS`.
        data: what the file holds.
        path: its path.

    Raises:
        ControlError: ``state-newer`` (10).
    """
    if (found := of(kind, data)) > FORMATS[kind]:
        raise newer(path, found, FORMATS[kind])


def newer(path: str, found: int, known: int) -> ControlError:
    """Return the fault of a file that a newer booty wrote.

    Args:
        path: the file.
        found: its format.
        known: the newest format that can be read here.
    """
    return ControlError.of(
        f'cannot read "{path}": it has format {found}, this booty knows {known}',
        reference="state-newer",
        status=10,
        subject=path,
        hint="pip install --upgrade booty",
    )


def upgraded(kind: str, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the content of a file in the format of this booty.

    Args:
        kind: one of :data:`FORMATS`.
        data: what the file holds.
        path: its path.

    Raises:
        ControlError: a newer booty wrote it.
    """
    refuse_newer(kind, data, path)
    found = dict(data)
    while (change := _BEFORE.get((kind, of(kind, found)))) is not None:
        found = change(found)
    return found


def sound(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has the type that it should have; what was garbled counts as missing.

    Args:
        kind: one of :data:`FORMATS`.
        data: what the file holds.
    """
    shape = _SHAPES.get(kind, {})
    return {
        key: one for key, one in data.items() if key not in shape or isinstance(one, shape[key])
    }
