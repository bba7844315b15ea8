"""Whether a value that somebody else made has the shape that its noun declares."""

from __future__ import annotations

import functools
import types
import typing
from collections import abc
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Union

import attrs

from booty.model import component, expand, instance, plan, platform, problem, source, stack, state

__all__ = ["misfit", "resolve"]

_MODULES: Final = (
    platform, state, source, component, expand, instance, stack, plan, problem,
)  # fmt: skip
_LISTS: Final = frozenset((tuple, list, abc.Sequence))
_MAPS: Final = frozenset((dict, abc.Mapping))


@functools.cache
def resolve() -> None:
    """Give the nouns their real types: their annotations are imported for type checkers only."""
    names: dict[str, Any] = {"Any": Any, "ClassVar": ClassVar, "Mapping": Mapping}
    for module in _MODULES:
        names.update({name: getattr(module, name) for name in module.__all__})
    for kind in [value for value in names.values() if attrs.has(value)]:
        attrs.resolve_types(kind, globalns=names)


def misfit(value: object, hint: Any, path: str = "") -> str:
    """Return the first thing about a value that does not fit.

    Args:
        value: what somebody answered.
        hint: the type it should have, such as a noun or ``tuple[Noun, ...]``; a list does for a
            tuple.
        path: where the value stands, for the sentence.

    Returns:
        ``argv[1] is of type "int", not "str"``; empty if all fits.
    """
    resolve()
    return next(_misfits(value, hint, path), "")


def _misfits(value: object, hint: Any, path: str) -> Iterator[str]:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return
    if origin in {Union, types.UnionType}:
        yield from _of_union(value, inside, hint, path)
    elif origin in _LISTS and isinstance(value, (tuple, list)):
        for number, item in enumerate(value):
            yield from _misfits(item, inside[0], f"{path}[{number}]")
    elif origin in _MAPS and isinstance(value, abc.Mapping):
        for key, item in value.items():
            yield from _misfits(key, inside[0], f"a key of {path}")
            yield from _misfits(item, inside[1], f"{path}.{key}")
    elif not _is(value, origin or hint):
        yield _told(value, hint, path)
    else:
        yield from _of_fields(value, path)


def _of_fields(value: object, path: str) -> Iterator[str]:
    kind: Any = type(value)
    for field in attrs.fields(kind) if attrs.has(kind) else ():
        where = f"{path}.{field.name}".lstrip(".")
        if not isinstance(field.type, str):  # a class of the provider's own may say anything
            yield from _misfits(getattr(value, field.name), field.type, where)


def _of_union(value: object, choices: tuple[Any, ...], hint: Any, path: str) -> Iterator[str]:
    # the model's unions are of plain types, or of one noun and None
    nouns = [one for one in choices if attrs.has(one) and isinstance(value, one)]
    if nouns:
        yield from _misfits(value, nouns[0], path)
    elif not any(next(_misfits(value, one, path), "") == "" for one in choices):
        yield _told(value, hint, path)


def _told(value: object, hint: Any, path: str) -> str:
    return f'{path or "it"} is of type "{type(value).__name__}", not "{_name(hint)}"'


def _is(value: object, kind: Any) -> bool:
    if isinstance(value, bool):
        return kind in {bool, object}
    if kind is float:
        return isinstance(value, (int, float))
    return isinstance(value, kind)


def _name(hint: Any) -> str:
    return str(hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else hint)
