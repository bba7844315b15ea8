"""One pass over a document: where it is, and everything that was wrong."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from booty.config import template
from booty.errors import ConfigError, raise_all
from booty.model.reference import MARK

__all__ = [
    "BAD",
    "At",
    "Reading",
    "dotted",
    "missing_key",
    "nearest",
    "quoted",
    "split",
    "unknown_key",
]

At = tuple[str | int, ...]
"""Path of a value in a document: keys, and numbers of list items."""

BAD: Final[Any] = object()
"""What a read gives back when it has told a fault; never reaches a caller outside."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_PART: Final = re.compile(r'\.?("(?:[^"\\]|\\.)*"|[^.\[\]"]+)|\[([0-9]+)\]')
_LONGEST: Final = 80
_KINDS: Final = (
    (bool, "true or false"),
    (str, "text"),
    ((int, float), "a number"),
    (list, "a list"),
    (Mapping, "a table"),
)


def dotted(at: At) -> str:
    """Return a path as people write it: ``services.main.needs[1].until``."""
    text = ""
    for part in at:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{_written(part)}" if text else _written(part)
    return text


@functools.lru_cache(maxsize=1024)
def _written(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def split(path: str) -> At:
    """Return the parts of a path that :func:`dotted` gave."""
    return tuple(
        int(number) if number else json.loads(part) if part.startswith('"') else part
        for part, number in _PART.findall(path)
    )


def quoted(value: Any) -> str:
    """Return a value in double quotes, shortened, the way a person would write it."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = text.replace("\n", "\\n")
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[: _LONGEST - 1]}…"'


def sort_of(value: Any) -> str:
    """Return in words what sort of TOML value this is."""
    return next((words for kind, words in _KINDS if isinstance(value, kind)), "a date or time")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the hint "did you mean", or the list of what there is when nothing is near."""
    import difflib

    choices = {choice.lower(): choice for choice in sorted(known)}
    near = difflib.get_close_matches(word.lower().replace("_", "-"), choices, n=1)
    if near:
        return f'did you mean "{choices[near[0]]}"?'
    if not choices:
        return "remove it"
    return "there is " + ", ".join(f'"{choice}"' for choice in choices.values())


class Reading:
    """Collects the faults of one pass, and where services are mentioned.

    A mention is its path, the name of the service, and the text that says so.

    Args:
        where: gives the place of a path in a file (``booty.toml:12``), or an empty text.
    """

    def __init__(self, where: Callable[[At], str] = lambda _: "") -> None:
        self._where = where
        self.faults: list[ConfigError] = []
        self.mentions: list[tuple[At, str, str]] = []

    def add(self, at: At, problem: str, *, reference: str, hint: str | None = None) -> Any:
        """Note a fault: ``cannot <problem> (<file>:<line>)``; gives :data:`BAD`."""
        place = self._where(at)
        message = f"cannot {problem} ({place})" if place else f"cannot {problem}"
        fault = ConfigError(message, reference=reference, subject=dotted(at) or None, hint=hint)
        self.faults.append(fault)
        return BAD

    def value(
        self,
        at: At,
        value: Any,
        why: str,
        *,
        reference: str = "bad-value",
        hint: str | None = None,
    ) -> Any:
        """Note that a value does not do; gives :data:`BAD`."""
        return self.add(
            at, f"use {quoted(value)} as {dotted(at)}: {why}", reference=reference, hint=hint
        )

    def wrong_type(self, at: At, value: Any, words: str, example: str) -> Any:
        """Note that a value is of another sort than the key wants; gives :data:`BAD`."""
        why = f"it must be {words}, not {sort_of(value)}"
        hint = f"write {example}" if isinstance(at[-1], int) else f"write {at[-1]} = {example}"
        return self.value(at, value, why, reference="wrong-type", hint=hint)

    def text(self, at: At, value: str, *, template_allowed: bool) -> Any:
        """Look at text that a user wrote; gives it back, or :data:`BAD`."""
        if MARK in value:
            why = f'it must not hold "{MARK}", which booty itself uses'
            return self.value(at, value, why, reference="reserved-text", hint="take it out")
        if "$" not in value:
            return value
        if template_allowed:
            return self._template(at, value)
        if "${" in value:
            why = 'there is no "${…}" in this key'
            return self.value(at, value, why, reference="template-misplaced", hint="write it out")
        return value

    def _template(self, at: At, value: str) -> Any:
        try:
            parts = template.parse(value)
        except ConfigError as error:
            text, _, why = error.message.removeprefix("cannot ").rpartition(": ")
            problem = f"{text} in {dotted(at)}: {why}"
            return self.add(at, problem, reference=error.reference, hint=error.hint)
        for part in parts:
            if isinstance(part, template.Name) and part.name.startswith("services."):
                service = part.name.split(".")[1]
                self.mentions.append((at, service, f"${{{part.name}}}"))
        return value

    def finish(self) -> None:
        """Raise what was collected.

        Raises:
            ConfigError: the only fault.
            BootyErrors: all of them.
        """
        raise_all(self.faults)


def unknown_key(reading: Reading, at: At, known: Collection[str]) -> None:
    """Note a key that does not exist, with the nearest one that does."""
    place = f" in {dotted(at[:-1])}" if at[:-1] else ""
    problem = f"use {quoted(at[-1])}{place}: there is no such key"
    reading.add(at, problem, reference="unknown-key", hint=nearest(str(at[-1]), known))


def missing_key(reading: Reading, at: At, name: str, hint: str) -> None:
    """Note a key that must be there and is not."""
    problem = f"do without {quoted(name)} in {dotted(at)}"
    reading.add(at, problem, reference="missing-key", hint=hint)
