"""``${…}`` in strings of booty.toml: which names there are, and putting values in their place.

``$$`` is a dollar; a dollar before anything but ``{`` or another dollar is itself, so that shell
lines keep their ``$HOME``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from attrs import frozen

from booty.errors import ConfigError

__all__ = ["EARLY", "NAMES", "Name", "names", "parse", "render"]

NAMES: Final = {
    "stack.name": "the stack's label",
    "stack.root": "the folder of booty.toml",
    "instance.name": "this instance, such as bus.0",
    "instance.index": "its number, from 0",
    "program": "with a source: path of the program that was fetched",
    "ports.N": "the number of its port N",
    "dirs.data": "its data folder",
    "dirs.config": "the folder of its written configuration",
    "dirs.logs": "the folder of the stack's logs",
    "dirs.run": "its folder for sockets",
    "services.S.url": "the URL of service S, with this reader's own credentials",
    "services.S.host": "the host of service S",
    "services.S.port": "the port of service S",
    "services.S.ca": "path of the certificate by which TLS of service S is trusted",
    "services.S.endpoints.E.url": "the URL of endpoint E of service S; also host and port",
    "env.X": "a variable of the shell that plans, kept like a secret; ${env.X:-default}",
}
"""Every form of name with what it stands for; for pages and hints."""

EARLY: Final = ("stack.name", "stack.root")
"""What is known before anything is planned."""

_TOKEN: Final = re.compile(r"\$\$|\$\{([^}]*)(\}?)")
_WORD: Final = "[a-z][a-z0-9-]*"
_NAME: Final = re.compile(
    rf"""program | stack\.(name|root) | instance\.(name|index) | ports\.{_WORD}
    | dirs\.(data|config|logs|run)
    | services\.{_WORD}\.(ca | (endpoints\.{_WORD}\.)?(url|host|port))
    | env\.[A-Za-z_][A-Za-z0-9_]*""",
    re.VERBOSE | re.ASCII,
)


@frozen
class Name:
    """One ``${…}``: its dotted name, and what stands for an unset or empty variable."""

    name: str
    default: str | None = None


def parse(text: str, path: str = "") -> tuple[str | Name, ...]:
    """Split a text into literals and names; ``$$`` is a dollar in the literals.

    Args:
        text: as it stands in the file.
        path: dotted path of the text, for the error.

    Raises:
        ConfigError: ``template-syntax`` or ``template-name``, about the first fault in it.
    """
    parts: list[str | Name] = []
    literal, last = "", 0
    for found in _TOKEN.finditer(text):
        literal += text[last : found.start()]
        last = found.end()
        if found[0] == "$$":
            literal += "$"
            continue
        parts += [literal] if literal else []
        literal = ""
        parts.append(_name(found, path))
    literal += text[last:]
    return (*parts, literal) if literal else tuple(parts)


def _name(found: re.Match[str], path: str) -> Name:
    if not found[2]:
        raise _fault(found[0], path, 'there is no "}" at its end', "template-syntax")
    name, mark, default = found[1].partition(":-")
    if not _NAME.fullmatch(name):
        raise _fault(found[0], path, "there is no such name", "template-name")
    if mark and not name.startswith("env."):
        raise _fault(found[0], path, "only env.X can have a default", "template-syntax")
    return Name(name, default if mark else None)


def _fault(text: str, path: str, why: str, reference: str) -> ConfigError:
    known = " ".join(NAMES)
    hint = f'the names are {known}; a dollar itself is "$$"'
    place = f" in {path}" if path else ""
    return ConfigError(
        f'cannot use "{text}"{place}: {why}', reference=reference, subject=path or None, hint=hint
    )


def names(text: str) -> tuple[str, ...]:
    """Return the dotted names in a text, in order, without defaults.

    Raises:
        ConfigError: as :func:`parse`.
    """
    return tuple(part.name for part in parse(text) if isinstance(part, Name))


def render(text: str, lookup: Callable[[str], str | None], path: str = "") -> str:
    """Return the text with every name replaced, once, and ``$$`` as a dollar.

    Args:
        text: as it stands in the file.
        lookup: gives the value of a dotted name; ``None`` for one that is not there. For a name
            with a default, ``None`` and an empty text give the default. What it raises passes.
        path: dotted path of the text, for the error.

    Raises:
        ConfigError: as :func:`parse`; ``template-unknown`` for a name that lookup does not know.
    """
    if "$" not in text:
        return text
    return "".join(
        part if isinstance(part, str) else _value(part, lookup, path) for part in parse(text, path)
    )


def _value(part: Name, lookup: Callable[[str], str | None], path: str) -> str:
    value = lookup(part.name)
    if part.default is not None:
        return value or part.default
    if value is None:
        raise _fault(f"${{{part.name}}}", path, "it names nothing", "template-unknown")
    return value
