"""Nouns to plain JSON data and back; the only place of the model that imports cattrs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, TypeVar

import attrs
import cattrs
from cattrs.strategies import configure_union_passthrough

from booty.model import component, instance, shape, source

__all__ = ["canonical", "from_data", "instance_from_data", "to_data"]

_T = TypeVar("_T")
_Scalar: TypeAlias = str | bool | int | float | None
_SOURCES: Final = (source.Release, source.Wheel, source.Deb, source.GoInstall, source.Module,
                   source.OnPath)  # fmt: skip


def _source_out(value: source.Source) -> dict[str, Any]:
    own = {
        item.name: _converter.unstructure(getattr(value, item.name))
        for item in attrs.fields(type(value))
    }
    return {"kind": value.kind, **own}


def _make() -> cattrs.Converter:
    shape.resolve()
    converter = cattrs.Converter()
    # components are declared by providers and never read back: their classes stay behind
    converter.register_unstructure_hook(type, lambda kind: kind.__qualname__)
    # a whole number of seconds is written as it is read back
    converter.register_unstructure_hook(float, float)
    # what a key may hold, a key of a provider may too: "true or a table"
    configure_union_passthrough(_Scalar, converter)
    for kind in (source.Source, *_SOURCES):
        converter.register_unstructure_hook(kind, _source_out)
    return converter


_converter: Final = _make()


def to_data(value: Any) -> Any:
    """Return a noun (or any nesting of them) as plain JSON data: dicts, lists, strings, numbers."""
    return _plain(_converter.unstructure(value))


def _plain(value: Any) -> Any:
    # tuples stay tuples in cattrs' output; JSON knows lists only
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def from_data(kind: type[_T], data: Any) -> _T:
    """Rebuild a noun from what :func:`to_data` gave.

    Raises:
        cattrs.BaseValidationError: the data does not fit; only for data that others wrote.
    """
    return _converter.structure(data, kind)


def instance_from_data(data: Mapping[str, Any], declared: component.Component) -> instance.Instance:
    """Rebuild an instance with typed settings and resources.

    Args:
        data: what :func:`to_data` gave for the instance, references filled in or not.
        declared: the component it is an instance of; names the classes.
    """
    plain = from_data(instance.Instance, data)
    kinds = {resource.key: resource.entry for resource in declared.resources}
    return attrs.evolve(
        plain,
        settings=None
        if declared.settings is None
        else _converter.structure(plain.settings or {}, declared.settings),
        resources={
            key: {name: _converter.structure(item, kinds[key]) for name, item in entries.items()}
            for key, entries in plain.resources.items()
        },
    )


def canonical(value: Any) -> bytes:
    """Return JSON bytes that are equal for equal data: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        to_data(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
