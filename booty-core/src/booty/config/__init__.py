"""booty.toml, read: text to :class:`~booty.model.stack.StackSpec`, every fault at once.

The tables in :mod:`booty.config.keys` say everything about every key; the reader, the JSON Schema
and the reference page are made from them. Nothing here touches the world but to read files.

Names are loaded when they are first used: a command that finds its plan unchanged needs
:func:`find` and :func:`layers` only, which are cheap.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from booty.config import keys, template, units
    from booty.config.assembly import attempt, load, written
    from booty.config.document import schema
    from booty.config.files import find, layers
    from booty.config.page import describe
    from booty.config.personal import UserConfig, user
    from booty.config.places import place, placed
    from booty.config.typed import settings
    from booty.errors import ConfigError
    from booty.model.stack import StackSpec

__all__ = [
    "UserConfig",
    "attempt",
    "describe",
    "find",
    "keys",
    "layers",
    "load",
    "place",
    "placed",
    "schema",
    "settings",
    "template",
    "units",
    "unknown",
    "user",
    "written",
]

_HOMES: Final = {
    "UserConfig": "personal",
    "attempt": "assembly",
    "describe": "page",
    "find": "files",
    "layers": "files",
    "load": "assembly",
    "place": "places",
    "placed": "places",
    "schema": "document",
    "settings": "typed",
    "user": "personal",
    "written": "assembly",
}
_MODULES: Final = frozenset(("keys", "template", "units"))


def __getattr__(name: str) -> Any:
    """Load a name from its home when it is first asked for."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def unknown(
    service_path: str,
    key: str,
    known: Collection[str] = (),
    *,
    settings: Iterable[type] = (),
    spec: StackSpec | None = None,
) -> ConfigError:
    """Return the fault for a key of a service that neither core nor its component knows.

    Args:
        service_path: ``services.bus``.
        key: the key, as found in :attr:`~booty.model.stack.ServiceSpec.extra`.
        known: links and resources of the component.
        settings: the classes of its settings.
        spec: the stack, so that the message can name file and line.
    """
    from booty.config.keys import SERVICE_KEYS
    from booty.config.places import place
    from booty.config.reading import Reading, split, unknown_key
    from booty.config.typed import table

    path = f"{service_path}.{key}"
    reading = Reading(lambda _: place(spec, path) if spec else "")
    unknown_key(reading, (*split(service_path), key), {*SERVICE_KEYS, *known})
    if any(key in table(kind).keys for kind in settings):
        reading.faults[0].hint = f"it is one of the settings: settings = {{ {key} = … }}"
    return reading.faults[0]
