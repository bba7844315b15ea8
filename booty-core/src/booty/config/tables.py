"""The sorts of compound values: lists, maps, tables with known keys, and choices between sorts."""

# ruff: noqa: D102 - what each kind overrides is documented once, on Kind
from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen

from booty.config.kinds import As, Kind, Text
from booty.config.reading import BAD, At, Reading, missing_key, quoted, unknown_key

__all__ = ["Either", "Key", "ListOf", "MapOf", "NotYet", "Table"]


@frozen
class ListOf(Kind):
    """A list of one kind.

    Attributes:
        kind: what its items are.
        single: whether a single item may stand for a list of one.
        make: what the items become.
        least: least number of items.
    """

    kind: Kind
    single: bool = False
    make: Callable[[Iterable[Any]], Any] = field(default=tuple, eq=False)
    least: int = 0

    @functools.cached_property
    def types(self) -> tuple[type, ...]:  # type: ignore[override]  # its item's too, if one may do
        return (list, tuple, *self.kind.types) if self.single else (list, tuple)

    @property
    def words(self) -> str:
        return f"{self.kind.words} or a list" if self.single else "a list"

    @property
    def example(self) -> str:
        return f"[{self.kind.example}]"

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        if not isinstance(value, (list, tuple)):
            one = self.kind.read(value, at, reading)
            return BAD if one is BAD else self.make([one])
        if len(value) < self.least:
            hint = f"write {at[-1]} = {self.example}"
            return reading.value(at, value, "it must not be empty", hint=hint)
        items = [self.kind.read(item, (*at, number), reading) for number, item in enumerate(value)]
        return BAD if any(item is BAD for item in items) else self.make(items)

    def schema(self) -> dict[str, Any]:
        item = self.kind.schema()
        several = {"type": "array", "items": item} | (
            {"minItems": self.least} if self.least else {}
        )
        return {"anyOf": [item, several]} if self.single else several


@frozen
class MapOf(Kind):
    """A table whose keys the user chooses.

    Attributes:
        kind: what its values are.
        pattern: regular expression for all of a key.
        what: what a key is, for a sentence.
        reserved: keys that may not be chosen, each with the reason.
        sample: a key, for examples.
    """

    types = (dict,)
    kind: Kind
    pattern: str = ""
    what: str = "a name"
    reserved: Mapping[str, str] = field(factory=dict)
    sample: str = "name"

    @property
    def words(self) -> str:
        return "a table"

    @property
    def example(self) -> str:
        return f"{{ {self.sample} = {self.kind.example} }}"

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        keys = [self._key(key, (*at, key), reading) for key in value]
        items = {key: self.kind.read(item, (*at, key), reading) for key, item in value.items()}
        return BAD if any(item is BAD for item in (*keys, *items.values())) else items

    def _key(self, key: str, at: At, reading: Reading) -> Any:
        if key in self.reserved:
            problem = f"use {quoted(key)} as {self.what}: {self.reserved[key]}"
            return reading.add(at, problem, reference="bad-name", hint="choose another name")
        if self.pattern and (not re.search(self.pattern, key) or key.endswith("\n")):
            problem = f"use {quoted(key)} as {self.what}"
            hint = f'write a name such as "{self._better(key)}"'
            return reading.add(at, problem, reference="bad-name", hint=hint)
        return key

    def _better(self, key: str) -> str:
        better = re.sub("[^a-z0-9]+", "-", key.lower()).strip("-")
        fits = re.search(self.pattern, better) and better not in self.reserved
        return better if fits else self.sample

    def schema(self) -> dict[str, Any]:
        if not self.pattern:
            return {"type": "object", "additionalProperties": self.kind.schema()}
        return {
            "type": "object",
            "patternProperties": {self.pattern: self.kind.schema()},
            "additionalProperties": False,
        } | ({"propertyNames": {"not": {"enum": list(self.reserved)}}} if self.reserved else {})


@frozen
class Key:
    """One key of a table: the single place that says everything about it.

    Attributes:
        name: as it is written, kebab-case.
        kind: what its value is.
        help: what it does, one sentence fragment for pages and the schema.
        default: the default in words, empty for none.
        field: the Python name it is given to; by default the name with ``_``.
        required: whether the table needs it.
    """

    name: str
    kind: Kind
    help: str = ""
    default: str = ""
    field: str = ""
    required: bool = False

    @functools.cached_property
    def target(self) -> str:
        """The Python name that its value is given to."""
        return self.field or self.name.replace("-", "_")


def _by_name(keys: Iterable[Key] | Mapping[str, Key]) -> Mapping[str, Key]:
    return keys if isinstance(keys, Mapping) else {key.name: key for key in keys}


@frozen
class Table(Kind):
    """A table with known keys.

    Attributes:
        keys: by name; given as a sequence.
        make: called with the values by Python name; ``ValueError`` from it becomes a fault.
        one_of: keys of which exactly one must be there.
        extra: the Python name that collects unknown keys; empty = they are faults.
        extra_kind: what unknown keys hold.
        partial: whether required keys may be missing, as in a profile.
        check: called with the values, path and reading, for rules over several keys.
        blame: called with the values and the error of ``make``; tells what is wrong by key, with an
            empty key for the table as a whole.
        name: name of its definition in the schema, empty = written where it is used.
    """

    types = (dict,)
    keys: Mapping[str, Key] = field(converter=_by_name, eq=False)
    make: Callable[..., Any] = field(default=dict, eq=False)
    one_of: tuple[str, ...] = ()
    extra: str = ""
    extra_kind: Kind | None = None
    partial: bool = False
    check: Callable[[Mapping[str, Any], At, Reading], None] | None = field(default=None, eq=False)
    blame: Callable[[Mapping[str, Any], Exception], Mapping[str, str]] = field(
        default=lambda _, error: {"": str(error)}, eq=False
    )
    name: str = ""

    @property
    def words(self) -> str:
        return "a table"

    @property
    def example(self) -> str:
        first = self.one_of[0] if self.one_of else next(iter(self.keys), "")
        return f"{{ {first} = {self.keys[first].kind.example} }}" if first else "{}"

    def relaxed(self) -> Table:
        """Return the same table with nothing required, for layers that only change something."""
        return evolve(self, partial=True, name=f"{self.name}-part" if self.name else "")

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        before = len(reading.faults)
        fields: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, item in value.items():
            key = self.keys.get(name)
            if key:
                fields[key.target] = key.kind.read(item, (*at, name), reading)
            else:
                self._unknown(name, item, at, reading, extra)
        self._complete(value, at, reading)
        if self.extra:
            fields[self.extra] = extra
        if len(reading.faults) == before and self.check and not self.partial:
            self.check(fields, at, reading)
        return BAD if len(reading.faults) > before else self._made(fields, at, reading)

    def _unknown(
        self, name: str, item: Any, at: At, reading: Reading, extra: dict[str, Any]
    ) -> None:
        if self.extra and self.extra_kind and re.fullmatch("[a-z][a-z0-9-]*", name):
            extra[name] = self.extra_kind.read(item, (*at, name), reading)
            return
        unknown_key(reading, (*at, name), self.keys)

    def _complete(self, value: Mapping[str, Any], at: At, reading: Reading) -> None:
        if self.partial:
            return
        for key in self.keys.values():
            if key.required and key.name not in value:
                missing_key(reading, at, key.name, f"write {key.name} = {key.kind.example}")
        there = [name for name in self.one_of if name in value]
        if self.one_of and len(there) != 1:
            choices = ", ".join(f'"{name}"' for name in self.one_of)
            why = f"it must have exactly one of {choices}"
            reading.value(at, value, why, hint=f"write {at[-1]} = {self.example}")

    def _made(self, fields: dict[str, Any], at: At, reading: Reading) -> Any:
        try:
            return self.make(**fields)
        except (ValueError, TypeError) as error:
            for name, why in self.blame(fields, error).items():
                value = fields.get(self.keys[name].target) if name else fields
                reading.value((*at, name) if name else at, value, why, hint="change the value")
            return BAD

    def schema(self) -> dict[str, Any]:
        if self.name:
            return {"$ref": f"#/$defs/{self.name}"}
        return self.definition()

    def definition(self) -> dict[str, Any]:
        """Return the schema itself, where :meth:`schema` may only refer to it."""
        required = [key.name for key in self.keys.values() if key.required and not self.partial]
        one_of = [{"required": [name]} for name in self.one_of]
        return {
            "type": "object",
            "properties": {name: _drawn(key) for name, key in self.keys.items()},
            "additionalProperties": bool(self.extra),
            **({"required": required} if required else {}),
            **({"oneOf": one_of} if one_of and not self.partial else {}),
        }


def _drawn(key: Key) -> dict[str, Any]:
    words = key.help + (f" (default: {key.default})" if key.default else "")
    return ({"description": words} if words else {}) | key.kind.schema()


@frozen
class Either(Kind):
    """A value of one of several kinds, told apart by its TOML type, else by trying.

    Attributes:
        kinds: in the order in which they are tried.
    """

    kinds: tuple[Kind, ...]

    @functools.cached_property
    def types(self) -> tuple[type, ...]:  # type: ignore[override]  # those of all that it may be
        return tuple(kind for choice in self.kinds for kind in choice.types)

    @property
    def words(self) -> str:
        return " or ".join(kind.words for kind in self.kinds)

    @property
    def example(self) -> str:
        return self.kinds[0].example

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        fitting = [kind for kind in self.kinds if type(value) in kind.types]
        for kind in fitting[:-1]:
            trial = Reading()
            result = kind.read(value, at, trial)
            if not trial.faults:
                reading.mentions.extend(trial.mentions)
                return result
        return fitting[-1].read(value, at, reading)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.schema() for kind in self.kinds]}


@frozen
class NotYet(Kind):
    """A key whose behaviour is not built yet: checked like any other, then refused.

    Attributes:
        kind: what the value must be.
        built: values that do work already.
    """

    kind: Kind
    built: tuple[Any, ...] = ()

    @functools.cached_property
    def types(self) -> tuple[type, ...]:  # type: ignore[override]  # those of what it wraps
        return self.kind.types

    @property
    def words(self) -> str:
        return self.kind.words

    @property
    def example(self) -> str:
        return self.kind.example

    def read(self, value: Any, at: At, reading: Reading) -> Any:
        result = self.kind.read(value, at, reading)
        if result is BAD or result in self.built:
            return result
        subject = quoted(value) if self.built else quoted(at[-1])
        hint = f'write {at[-1]} = "{self.built[0]}"' if self.built else f"remove {at[-1]}"
        return reading.add(at, f"use {subject} yet", reference="not-yet", hint=hint)

    def schema(self) -> dict[str, Any]:
        return self.kind.schema()


def command() -> Kind:
    """Return the kind of a command: argv, or a line for ``/bin/sh -c``; argv when read."""
    argv = ListOf(Text(sample="./main"), least=1)
    text = Text(r"\S", "a command line", "./main --flag", lines=True)
    line = As(text, lambda found: ("/bin/sh", "-c", found))
    return Either((argv, line))
