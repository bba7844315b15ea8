"""booty.toml, read: text to :class:`~booty.model.stack.StackSpec`, every fault at once.

The tables in :mod:`booty.config.keys` say everything about every key; the reader, the JSON Schema
and the reference page are made from them. Nothing here touches the world but to read files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from booty.config.assembly import load, place, profiles
from booty.config.files import find, layers
from booty.config.personal import UserConfig, user
from booty.config.typed import settings
from booty.errors import ConfigError

if TYPE_CHECKING:
    from booty.model.component import Component
    from booty.model.stack import StackSpec

__all__ = [
    "UserConfig",
    "describe",
    "find",
    "layers",
    "load",
    "place",
    "profiles",
    "schema",
    "settings",
    "unknown",
    "user",
]


def schema(components: Iterable[Component]) -> dict[str, Any]:
    """Return the JSON Schema of booty.toml; see :func:`booty.config.document.schema`."""
    from booty.config import document

    return document.schema(components)


def describe() -> str:
    """Return the reference page of booty.toml as Markdown."""
    from booty.config import page

    return page.describe()


def unknown(
    service_path: str, key: str, known: Collection[str] = (), *, spec: StackSpec | None = None
) -> ConfigError:
    """Return the fault for a key of a service that neither core nor its component knows.

    Args:
        service_path: ``services.bus``.
        key: the key, as found in :attr:`~booty.model.stack.ServiceSpec.extra`.
        known: links and resources of the component.
        spec: the stack, so that the message can name file and line.
    """
    from booty.config.keys import SERVICE_KEYS
    from booty.config.reading import Reading, split, unknown_key

    path = f"{service_path}.{key}"
    reading = Reading(lambda _: place(spec, path) if spec else "")
    unknown_key(reading, (*split(service_path), key), {*SERVICE_KEYS, *known})
    return reading.faults[0]
