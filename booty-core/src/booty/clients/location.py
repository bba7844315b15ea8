"""URLs of portable clients: split, read as the driver declares, every fault at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from attrs import field, frozen

from booty.clients.errors import InvalidArgumentError, raise_arguments
from booty.errors import ConfigError

__all__ = ["Location", "Parameter", "locate"]

_NEXT: Final = re.compile(r",[a-z][a-z0-9+.-]*://(?:[^/@,]*@)?")
_FLAGS: Final = {"true": True, "1": True, "": True, "false": False, "0": False}


@frozen(kw_only=True)
class Parameter:
    """One name that may stand behind the ``?`` of a URL.

    Attributes:
        name: as it is written, with underscores.
        kind: how its text is read: ``text``, ``flag`` (true, false, 1, 0, or no value), ``number``
            (0 or more), ``duration`` (``10s``; seconds), ``size`` (``8MiB``; bytes).
        default: its value where the URL does not have it.
        choices: what it may be; empty for anything.
        about: what it does, one sentence.
    """

    name: str
    kind: Literal["text", "flag", "number", "duration", "size"] = "text"
    default: Any = None
    choices: tuple[str, ...] = ()
    about: str = ""


@frozen(kw_only=True)
class Location:
    """A URL, split and read.

    Attributes:
        shown: the URL without user, password and parameters, for people.
        scheme: without a prefix such as ``blob+``.
        host, port: where the URL has them, else empty and ``None``; of several the first.
        hosts: all of them, where a URL lists several with commas between.
        user, password: percent-decoded; never shown.
        path: percent-decoded, with its leading slash.
        parameters: every declared parameter with its value or default.
    """

    shown: str
    scheme: str
    host: str = ""
    port: int | None = None
    hosts: tuple[tuple[str, int | None], ...] = ()
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    path: str = ""
    parameters: Mapping[str, Any] = field(factory=dict, repr=False)


def locate(
    url: str, scheme: str, parameters: Sequence[Parameter]
) -> tuple[Location, list[InvalidArgumentError]]:
    """Read a URL by what its driver declares.

    Args:
        url: as the user wrote it.
        scheme: its scheme, known to exist, without a prefix.
        parameters: what may stand behind the ``?``.

    Returns:
        What it says, and what is wrong with it: unknown or repeated parameters, and values that
        cannot be read, which have their defaults in the location.

    Raises:
        InvalidArgumentError: a port that is none, with all else that is wrong: nothing can be said
            of such a place.
    """
    parts = urlsplit(joined(url))
    hosts, wrong = _hosts(parts)
    values: dict[str, Any] = {}
    faults = [*wrong, *_read(parse_qsl(parts.query, keep_blank_values=True), parameters, values)]
    if wrong:
        raise_arguments(f'cannot open "{shown(url)}"', faults, shown(url))
    found = Location(
        shown=shown(url),
        scheme=scheme,
        host=hosts[0][0] if hosts else "",
        port=hosts[0][1] if hosts else None,
        hosts=hosts,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        path=unquote(parts.path),
        parameters={one.name: one.default for one in parameters} | values,
    )
    return found, faults


def joined(url: str) -> str:
    """Return a list of whole URLs, such as the URL of a cluster, as one URL with several hosts.

    What stands behind the last of them belongs to all, and so does the user of the first.
    """
    bare, mark, query = url.partition("?")
    return _NEXT.sub(",", bare) + mark + query


def shown(url: str) -> str:
    """Return a URL without what may be secret: its user, password and parameters."""
    bare = joined(url).partition("?")[0].partition("#")[0]
    scheme, mark, rest = bare.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def _hosts(
    parts: SplitResult,
) -> tuple[tuple[tuple[str, int | None], ...], list[InvalidArgumentError]]:
    named = [one for one in parts.netloc.rpartition("@")[2].split(",") if one]
    faults = [fault for one in named if (fault := _wrong_port(one)) is not None]
    return () if faults else tuple((unquote(_host(one)), _port(one)) for one in named), faults


def _host(text: str) -> str:
    # not ``hostname``, which lower-cases: names of buckets and subjects have case
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _port(text: str) -> int | None:
    return urlsplit(f"//{text}").port


def _wrong_port(text: str) -> InvalidArgumentError | None:
    try:
        _port(text)
    except ValueError as error:
        return InvalidArgumentError(
            f'cannot read the port of "{text}"',
            reference="url-invalid",
            hint="write a number from 0 to 65535",
            native=error,
        )
    return None


def _fault(message: str, error: Exception | None = None) -> InvalidArgumentError:
    return InvalidArgumentError(message, reference="url-invalid", native=error)


def _read(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter], values: dict[str, Any]
) -> Iterator[InvalidArgumentError]:
    known = {one.name: one for one in parameters}
    for name, text in pairs:
        if name not in known:
            yield _unknown(name, known)
        elif name in values:
            yield _fault(f'cannot take the parameter "{name}" twice')
        else:
            yield from _value(known[name], text, values)


def _unknown(name: str, known: Iterable[str]) -> InvalidArgumentError:
    return InvalidArgumentError(
        f'cannot use the parameter "{name}": there is no such parameter',
        reference="url-parameter-unknown",
        subject=name,
        hint=near(name, known),
    )


def _value(
    parameter: Parameter, text: str, values: dict[str, Any]
) -> Iterator[InvalidArgumentError]:
    values[parameter.name] = parameter.default
    try:
        values[parameter.name] = _READERS[parameter.kind](text)
    except (ValueError, KeyError, ConfigError):
        what = f'cannot read the parameter "{parameter.name}" as a {parameter.kind}'
        yield InvalidArgumentError(what, reference="url-value", hint=_EXAMPLES[parameter.kind])
    if parameter.choices and text not in parameter.choices:
        yield InvalidArgumentError(
            f'cannot use "{text}" as "{parameter.name}"',
            reference="url-value",
            hint=near(text, parameter.choices),
        )


def near(word: str, known: Iterable[str]) -> str:
    """Return the hint "did you mean", or the list of what there is when nothing is near."""
    import difflib

    choices, told = sorted(known), word.lower().replace("-", "_")
    found = difflib.get_close_matches(told, choices, n=1)
    if found := found or [one for one in choices if len(told) > 1 and one.startswith(told)]:
        return f'did you mean "{found[0]}"?'
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return f"there is {listed}" if listed else "remove it"


def _duration(text: str) -> float:
    from booty.config import units

    return units.duration(text)


def _size(text: str) -> int:
    from booty.config import units

    return units.size(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "text": str,
    "flag": _FLAGS.__getitem__,
    "number": _number,
    "duration": _duration,
    "size": _size,
}
_EXAMPLES: Final = {
    "text": None,
    "flag": 'write "true" or "false"',
    "number": 'write a number, such as "100"',
    "duration": 'write a number and a unit, such as "500ms", "10s" or "1h30m"',
    "size": 'write a number and a unit, such as "64KiB" or "8MiB"',
}
