"""The sorts of single values in booty.toml: each reads, explains and draws itself.

One kind serves the reader, the provider's settings, the JSON Schema and the reference page, so
that these cannot drift apart.
"""

# ruff: noqa: D102 - what each kind overrides is documented once, on Kind
from __future__ import annotations

import functools
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from attrs import field, frozen

from booty.config import template
from booty.config.reading import BAD, At, Reading, dotted, nearest

__all__ = [
    "As",
    "Choice",
    "EarlyText",
    "Flag",
    "Kind",
    "Pattern",
    "Raw",
    "ServiceName",
    "Signal",
    "Text",
]

_SIGNALS: Final = (
    "ABRT", "ALRM", "CONT", "HUP", "INT", "KILL", "PIPE", "QUIT", "STOP", "TERM", "TSTP", "TTIN",
    "TTOU", "URG", "USR1", "USR2", "WINCH",
)  # fmt: skip


@frozen
class Kind(ABC):
    """A sort of value.

    Attributes:
        types: the TOML types it is written in, as ``tomllib`` gives them; exact, so a truth value
            is no number.
        bare: regular expression for text that only has quotes too many.
    """

    types: ClassVar[tuple[type, ...]] = ()
    bare: ClassVar[str] = ""

    @property
    @abstractmethod
    def words(self) -> str:
        """What it is, for a sentence: "it must be …"."""

    @property
    @abstractmethod
    def example(self) -> str:
        """A value as it is written in the file."""

    def read(self, value: Any, at: At, reading: Reading) -> Any:
        """Return the typed value; :data:`BAD` when a fault was noted."""
        if type(value) not in self.types:
            return self._wrong_type(value, at, reading)
        return self.take(value, at, reading)

    def _wrong_type(self, value: Any, at: At, reading: Reading) -> Any:
        if self.bare and isinstance(value, str) and re.fullmatch(self.bare, value):
            why = f"it must be {self.words}, not text"
            hint = f"write {value} without quotes"
            return reading.value(at, value, why, reference="wrong-type", hint=hint)
        return reading.wrong_type(at, value, self.words, self.example)

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        """Return the typed value of one of the right TOML type; as it is, if no more is said."""
        return value

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""


@frozen
class Flag(Kind):
    """``true`` or ``false``; with ``only``, just that one.

    Attributes:
        only: the one value that makes sense, ``None`` for both.
    """

    types = (bool,)
    bare = "true|false"
    only: bool | None = None

    @property
    def words(self) -> str:
        return "true or false" if self.only is None else str(self.only).lower()

    @property
    def example(self) -> str:
        return "true"

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        if self.only is not None and value is not self.only:
            return reading.value(at, value, f"it must be {self.words}", hint="leave the key out")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"} if self.only is None else {"const": self.only}


@frozen
class Text(Kind):
    """Text, whole or of a given form.

    Attributes:
        pattern: regular expression (of the sort that JSON Schema knows too) for all of it.
        what: what it is, when it has a pattern.
        sample: an example, without quotes.
        template: whether ``${…}`` is allowed inside; ``None`` = nothing inside is looked at.
        secret: whether a wrong value may be a secret, so that no message repeats it.
        lines: whether it may be several lines, the last one ended too.
    """

    types = (str,)
    pattern: str = ""
    what: str = "text"
    sample: str = "…"
    template: bool | None = True
    secret: bool = False
    lines: bool = False

    @property
    def words(self) -> str:
        return self.what

    @property
    def example(self) -> str:
        return f'"{self.sample}"'

    def read(self, value: Any, at: At, reading: Reading) -> Any:
        if type(value) in (int, float):
            why = f"it must be {self.what}, not a number"
            return reading.value(
                at, value, why, reference="wrong-type", hint=f'write "{value}" in quotes'
            )
        return super().read(value, at, reading)

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        looked = BAD
        if self.template is not None:
            looked = reading.text(at, value, template_allowed=self.template)
            if looked is BAD:
                return BAD
        # "$" would also match before a last line end, which the schema's does not
        late = value.endswith("\n") and not self.lines
        if self.pattern and (late or not re.search(self.pattern, value)):
            return self._refuse(value, at, reading)
        return value

    def _refuse(self, value: str, at: At, reading: Reading) -> Any:
        hint = f"write {at[-1]} = {self.example}"
        if self.secret:
            problem = f"use the text that stands at {at[-1]}: it must be {self.what}"
            return reading.add(at, problem, reference="secret-in-file", hint=hint)
        return reading.value(at, value, f"it must be {self.what}", hint=hint)

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} | ({"pattern": self.pattern} if self.pattern else {})


@frozen
class EarlyText(Text):
    """Text that is needed before anything is planned: of ``${…}`` it knows the stack's own."""

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        result = super().take(value, at, reading)
        if result is BAD:
            return BAD
        strange = [name for name in template.names(value) if name not in template.EARLY]
        for name in strange[:1]:
            problem = f'use "${{{name}}}" in {dotted(at)}: it is not known when this is needed'
            hint = (
                f"write it out; {' and '.join(f'${{{one}}}' for one in template.EARLY)} are known"
            )
            return reading.add(at, problem, reference="template-misplaced", hint=hint)
        return result


@frozen
class ServiceName(Text):
    """The name of a service of the same file; noted, to be looked up when all are known."""

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        result = super().take(value, at, reading)
        if result is not BAD:
            reading.mentions.append((at, result, result))
        return result


@frozen
class Pattern(Kind):
    """A regular expression; ``${…}`` in it is looked at like everywhere."""

    types = (str,)

    @property
    def words(self) -> str:
        return "a regular expression"

    @property
    def example(self) -> str:
        return '"listening on .*"'

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        if reading.text(at, value, template_allowed=True) is BAD:
            return BAD
        try:
            re.compile(value)
        except re.error as error:
            why = f"it is no regular expression: {error}"
            return reading.value(at, value, why, hint="put a backslash before special characters")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "regex"}


@frozen
class Choice(Kind):
    """One of a few texts (or numbers, in a provider's settings).

    Attributes:
        values: what may be written.
        make: what it becomes.
    """

    values: tuple[Any, ...]
    make: Callable[[Any], Any] = lambda value: value

    @functools.cached_property
    def types(self) -> tuple[type, ...]:  # type: ignore[override]  # as many as it has values
        return tuple({type(value) for value in self.values})

    @property
    def words(self) -> str:
        return "one of " + ", ".join(f'"{value}"' for value in self.values)

    @property
    def example(self) -> str:
        first = self.values[0]
        return f'"{first}"' if isinstance(first, str) else str(first)

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        if value not in self.values:
            hint = nearest(str(value), map(str, self.values))
            return reading.value(at, value, f"it must be {self.words}", hint=hint)
        return self.make(value)

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.values)}


@frozen
class Signal(Kind):
    """The name of a signal, with or without ``SIG``; without when read."""

    types = (str,)

    @property
    def words(self) -> str:
        return 'the name of a signal such as "TERM"'

    @property
    def example(self) -> str:
        return '"TERM"'

    def take(self, value: Any, at: At, reading: Reading) -> Any:
        name = value.removeprefix("SIG")
        if name in _SIGNALS:
            return name
        hint = nearest(name, _SIGNALS)
        return reading.value(at, value, f"it must be {self.words}", hint=hint)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(SIG)?({'|'.join(_SIGNALS)})$"}


@frozen
class Raw(Kind):
    """Any value; text inside is looked at for ``${…}`` unless told otherwise.

    Attributes:
        look: whether text inside is looked at.
    """

    look: bool = True

    @property
    def words(self) -> str:
        return "any value"

    @property
    def example(self) -> str:
        return "…"

    def read(self, value: Any, at: At, reading: Reading) -> Any:
        if not self.look:
            return value
        if isinstance(value, str):
            return reading.text(at, value, template_allowed=True)
        if isinstance(value, dict):
            return self._mapping(value, at, reading)
        if isinstance(value, (list, tuple)):
            items = [self.read(item, (*at, n), reading) for n, item in enumerate(value)]
            return BAD if any(item is BAD for item in items) else items
        return self._scalar(value, at, reading)

    def _scalar(self, value: Any, at: At, reading: Reading) -> Any:
        # what JSON cannot carry would not reach the plan as it was written
        finite = type(value) is not float or math.isfinite(value)
        if type(value) in (bool, int, float) and finite:
            return value
        return reading.wrong_type(at, value, "something JSON knows", '"…" (as text)')

    def _mapping(self, value: Mapping[str, Any], at: At, reading: Reading) -> Any:
        keys = [reading.text((*at, key), key, template_allowed=False) for key in value]
        items = {key: self.read(item, (*at, key), reading) for key, item in value.items()}
        return BAD if any(item is BAD for item in (*keys, *items.values())) else items

    def schema(self) -> dict[str, Any]:
        return {}


@frozen
class As(Kind):
    """Another kind, whose value is turned into something else when it was read.

    Attributes:
        kind: what stands in the file.
        make: what it becomes.
    """

    kind: Kind
    make: Callable[[Any], Any] = field(eq=False)

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
        return BAD if result is BAD else self.make(result)

    def schema(self) -> dict[str, Any]:
        return self.kind.schema()
