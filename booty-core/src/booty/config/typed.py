"""Settings of providers: attrs classes read with the same strictness as core's own keys."""

from __future__ import annotations

import functools
import types
import typing
from collections import abc
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, Union

import attrs

from booty.config.kinds import As, Choice, Flag, Kind, Raw, Text
from booty.config.numbers import Duration, Number, Size, Whole
from booty.config.reading import At, Reading, dotted, split
from booty.config.tables import Either, Key, ListOf, MapOf, Table
from booty.config.units import format_duration, format_size
from booty.errors import ProviderError

if TYPE_CHECKING:
    from booty.model.stack import StackSpec

__all__ = ["settings", "table"]

_T = TypeVar("_T")
_SCALARS: Final[Mapping[Any, Kind]] = {
    bool: Flag(),
    int: Whole(),
    float: Number(),
    str: Text(template=None),
    Any: Raw(look=False),
    object: Raw(look=False),
    Path: As(Text(template=None), Path),
}
_LISTS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    abc.Sequence: tuple,
    abc.Collection: tuple,
    abc.Iterable: tuple,
    abc.Set: frozenset,
}
_MAPS: Final = frozenset((dict, abc.Mapping, abc.MutableMapping))
_TABLES: Final[dict[type[Any], Table]] = {}
# what providers import for type checkers only
_COMMON: Final = {
    "Any": Any,
    "Collection": abc.Collection,
    "Iterable": abc.Iterable,
    "Literal": Literal,
    "Mapping": abc.Mapping,
    "Path": Path,
    "Sequence": abc.Sequence,
}


def settings(
    kind: type[_T],
    data: Mapping[str, Any] | None,
    path: str,
    *,
    elsewhere: Mapping[str, str] | None = None,
    spec: StackSpec | None = None,
) -> _T:
    """Turn a table of booty.toml into an object of a provider's class.

    Keys are the field names in kebab-case. Nothing is converted quietly: text is no number, a
    truth value is no number, a number is no text; a whole number may stand for a ``float``. The
    metadata ``{"unit": "size"}`` reads ``"8MiB"`` as bytes, ``{"unit": "duration"}`` reads
    ``"10s"`` as seconds. Text is taken as it is: ``${…}`` has been replaced before.

    Args:
        kind: attrs class; fields of ``bool int float str Path Any``, ``Literal``, enumerations,
            ``Optional``, unions, lists, tuples, sets, mappings and further attrs classes.
        data: the table, with ``${…}`` replaced; ``None`` = empty.
        path: dotted path of the table, for messages.
        elsewhere: keys that people write here and that belong to another place, with the hint.
        spec: the stack, so that messages can name file and line.

    Raises:
        ConfigError: the only fault.
        BootyErrors: all faults.
        ProviderError: ``settings-class``: a field is of a type that cannot be read.
    """
    reading = Reading(_places(spec))
    result = table(kind).read(_plain(data or {}), split(path), reading)
    hints = {f"{path}.{key}": hint for key, hint in (elsewhere or {}).items()}
    for fault in reading.faults:
        if fault.reference == "unknown-key":
            fault.hint = hints.get(fault.subject or "", fault.hint)
    reading.finish()
    return typing.cast("_T", result)


def _places(spec: StackSpec | None) -> Callable[[At], str]:
    from booty.config.places import place

    return lambda at: place(spec, dotted(at)) if spec else ""


def _plain(value: Any) -> Any:
    # the reader goes by exact types
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def table(kind: type[Any]) -> Table:
    """Return how a class of settings or of a resource's entries is written in the file.

    Raises:
        ProviderError: ``settings-class``.
    """
    if kind not in _TABLES:
        _TABLES[kind] = _drawn(kind)
    return _TABLES[kind]


def _drawn(kind: type[Any]) -> Table:
    hints = _hints(kind)
    helps = _helps(kind)
    fields = [field for field in attrs.fields(kind) if field.init]
    keys = [_key(field, hints[field.name], helps, kind) for field in fields]
    return Table(keys, kind, blame=functools.partial(_blame, kind))


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, localns={**_COMMON, **vars(kind)})
    except NameError as error:
        raise _fault(kind, f"{error.name} is not there at run time") from error


def _fault(kind: type[Any], why: str) -> ProviderError:
    return ProviderError(
        f'cannot read settings into "{kind.__module__}.{kind.__qualname__}": {why}',
        reference="settings-class",
        hint="import the name outside of TYPE_CHECKING, and use the types of booty.config.settings",
    )


def _key(field: attrs.Attribute[Any], hint: Any, helps: Mapping[str, str], kind: type[Any]) -> Key:
    unit = field.metadata.get("unit", "")
    return Key(
        name=_name(field),
        kind=_kind(hint, unit, kind),
        help=field.metadata.get("help", helps.get(field.name, "")),
        default=_default(field, unit),
        field=field.alias or field.name,
        required=field.default is attrs.NOTHING,
    )


def _name(field: attrs.Attribute[Any]) -> str:
    return (field.alias or field.name).rstrip("_").replace("_", "-")


def _default(field: attrs.Attribute[Any], unit: str) -> str:
    value: Any = field.default
    number = isinstance(value, (int, float)) and value >= 0
    if number and unit == "size":
        return format_size(int(value))
    if number and unit == "duration":
        return format_duration(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float, str)) else ""


def _kind(hint: Any, unit: str, owner: type[Any]) -> Kind:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SCALARS:
        return _scalar(hint, unit)
    if origin in {Union, types.UnionType}:
        kinds = [_kind(item, unit, owner) for item in inside if item is not type(None)]
        return kinds[0] if len(kinds) == 1 else Either(tuple(kinds))
    if origin is Literal:
        return Choice(inside)
    if origin is typing.Annotated:
        return _kind(inside[0], unit, owner)
    if origin is not None:
        return _several(hint, unit, owner)
    return _class(hint, owner)


def _scalar(hint: Any, unit: str) -> Kind:
    if unit == "size" and hint in {int, float}:
        return Size()
    if unit == "duration" and hint in {int, float}:
        return As(Duration(), round) if hint is int else Duration()
    return _SCALARS[hint]


def _several(hint: Any, unit: str, owner: type[Any]) -> Kind:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in _MAPS and inside[0] is str:
        return MapOf(_kind(inside[1], unit, owner), sample="key")
    if origin in _LISTS and (origin is not tuple or inside[1:] == (...,)):
        return ListOf(_kind(inside[0], unit, owner), make=_LISTS[origin])
    raise _fault(owner, f"no key can hold {hint}")


def _class(hint: Any, owner: type[Any]) -> Kind:
    if isinstance(hint, type) and attrs.has(hint):
        return table(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice(tuple(item.value for item in hint), hint)
    if hint in _LISTS:
        return ListOf(Raw(look=False), make=_LISTS[hint])
    if hint in _MAPS:
        return MapOf(Raw(look=False), sample="key")
    raise _fault(owner, f"no key can hold {hint}")


def _helps(kind: type[Any]) -> dict[str, str]:
    """Return the texts of the ``Attributes:`` section of a class and its bases, by field."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        found.update(_section(base.__doc__ or ""))
    return found


def _section(doc: str) -> dict[str, str]:
    import inspect

    found: dict[str, str] = {}
    name = ""
    section = inspect.cleandoc(doc).partition("Attributes:\n")[2]
    for line in section.split("\n"):
        if line.startswith("        ") and name:
            found[name] += " " + line.strip()
        elif line.startswith("    ") and ":" in line:
            name, _, text = line.strip().partition(":")
            found[name] = text.strip().rstrip(".")
        else:
            break
    return found


def _blame(kind: type[Any], fields: Mapping[str, Any], error: Exception) -> dict[str, str]:
    """Return what is wrong by key, when an object could not be made; by "" if nobody says where."""
    try:
        with attrs.validators.disabled():
            made = kind(**fields)
    except (ValueError, TypeError):
        return {"": _words(error)}
    found = {}
    for field in attrs.fields(kind):
        why = _refused(made, field)
        if why:
            found[_name(field)] = why
    return found or {"": _words(error)}


def _refused(made: Any, field: attrs.Attribute[Any]) -> str:
    try:
        if field.validator:
            field.validator(made, field, getattr(made, field.name))
    except (ValueError, TypeError) as error:
        return _words(error).replace(f"'{field.name}'", "it")
    return ""


def _words(error: Exception) -> str:
    # attrs' own validators add the field and the value as further arguments
    return str(error.args[0]) if error.args else type(error).__name__
