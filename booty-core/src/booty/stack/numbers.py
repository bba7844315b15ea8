"""Small files that commands keep in the state folder: numbers of ports, numbers of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty.errors import from_data
from booty.run import whole
from booty.stack.place import Place, read
from booty.supervise import formats
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ports", "save_ports", "save_secrets", "secrets"]

_PORTS: Final = "ports"
_SECRETS: Final = "secrets"


def ports(place: Place) -> dict[str, int]:
    """Return the saved port numbers by ``<instance>/<port>``.

    Raises:
        ConflictError: a newer booty wrote them.
    """
    return _numbers(place, _PORTS)


def secrets(place: Place) -> dict[str, int]:
    """Return the current rotation number of every secret that was ever rotated, by name.

    Raises:
        ConflictError: a newer booty wrote them.
    """
    return _numbers(place, _SECRETS)


def save_ports(place: Place, numbers: Mapping[str, int]) -> None:
    """Write down port numbers; they survive a loss of power.

    Raises:
        OSError: the disk is full or read-only.
    """
    _save(place, _PORTS, numbers)


def save_secrets(place: Place, numbers: Mapping[str, int]) -> None:
    """Write down rotation numbers; they survive a loss of power.

    Raises:
        OSError: the disk is full or read-only.
    """
    _save(place, _SECRETS, numbers)


def _file(place: Place, kind: str) -> Path:
    return place.state / "state" / f"{kind}.json"


def _numbers(place: Place, kind: str) -> dict[str, int]:
    file = _file(place, kind)
    try:
        found = formats.upgraded(kind, read(file), str(file))[kind]
    except ControlError as error:
        raise from_data(error.data) from error
    return {key: one for key, one in found.items() if type(one) is int}


def _save(place: Place, kind: str, numbers: Mapping[str, int]) -> None:
    data = {"format": formats.FORMATS[kind], kind: dict(numbers)}
    if read(_file(place, kind)) != data:
        whole.replace(_file(place, kind), whole.pretty(data), sync=True)
