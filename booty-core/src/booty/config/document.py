"""The JSON Schema of booty.toml, drawn from the tables of keys and the installed components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from booty.config.keys import (
    DEFAULTS,
    FILE,
    NEEDED,
    ONLY,
    PROFILE,
    PROFILE_STACK,
    ROLE,
    SERVICE,
    SERVICE_KEYS,
    STACK,
)
from booty.config.typed import table

if TYPE_CHECKING:
    from booty.model.component import Component, Resource

__all__ = ["schema"]

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema(components: Iterable[Component]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of booty.toml.

    Args:
        components: all components of the installed providers; their settings, links and resources
            hold in services that ``use`` them.

    Raises:
        ProviderError: ``settings-class``: a component's settings cannot be drawn.
    """
    known = sorted(components, key=lambda component: component.id)
    own = {component.id: _own(component) for component in known}
    extra: dict[str, Any] = {name: True for keys in own.values() for name in keys}
    extra = {name: True for name in sorted(extra) if name not in SERVICE_KEYS}
    definitions = {item.name: item.definition() for item in (STACK, PROFILE_STACK, ROLE, PROFILE)}
    for item in (SERVICE, DEFAULTS):
        definitions[item.name] = _service(item.definition(), extra)
    definitions[SERVICE.name]["properties"]["use"]["examples"] = list(own)
    definitions[SERVICE.name]["allOf"] = [*_builtin(), *(_case(*item) for item in own.items())]
    return {
        "$schema": _DRAFT,
        "title": "booty.toml",
        **FILE.definition(),
        "$defs": definitions,
    }


def _service(drawn: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    return drawn | {"properties": drawn["properties"] | extra, "additionalProperties": False}


def _builtin() -> list[dict[str, Any]]:
    needed = [
        {"if": _uses(use), "then": {"required": [key]}} for use, key in sorted(NEEDED.items())
    ]
    only = [
        {"if": {"required": [key]}, "then": {"properties": {"use": {"enum": list(uses)}}}}
        for key, uses in sorted(ONLY.items())
    ]
    return needed + only


def _uses(use: str) -> dict[str, Any]:
    return {"properties": {"use": {"const": use}}, "required": ["use"]}


def _case(use: str, own: Mapping[str, Any]) -> dict[str, Any]:
    allowed = sorted({*SERVICE_KEYS, *own})
    then = {"properties": dict(own), "propertyNames": {"enum": allowed}}
    return {"if": _uses(use), "then": then}


def _own(component: Component) -> dict[str, Any]:
    """Return the schemas of what the component adds to a service, by key."""
    settings = table(component.settings).schema() if component.settings else _nothing()
    links = {
        want.link: {"type": "string", "description": f"a service that offers {want.interface}"}
        for want in component.wants
    }
    resources = {resource.key: _resource(resource) for resource in component.resources}
    return {"settings": settings, **links, **resources}


def _nothing() -> dict[str, Any]:
    return {"type": "object", "maxProperties": 0}


def _resource(resource: Resource) -> dict[str, Any]:
    entries = {"type": "object", "additionalProperties": table(resource.entry).schema()}
    if not resource.listed:
        return entries
    return {"anyOf": [{"type": "array", "items": {"type": "string"}}, entries]}
