"""References inside strings: what is filled in on the host, at the last moment.

A string that a provider builds in ``configure`` may hold places (``@{booty:data}``), programs
(``@{booty:program:nats}``) and secrets (``@{booty:secret:bus.user.password#1:bcrypt}``). A
reference is an ordinary piece of ``str``, made only of ASCII without quotes or backslashes, so
it survives f-strings, ``os.path.join``, JSON, YAML, TOML and HCL writers unharmed. It is replaced
once, never again within a replaced value. Text of a user that holds the opening mark is refused
when booty.toml is read, so nobody can smuggle one in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MARK", "Secret", "fill", "literal_only", "place", "references"]

MARK: Final = "@{booty:"
"""The opening of every reference; forbidden in text that a user writes."""

_REFERENCE: Final = re.compile(r"@\{booty:([A-Za-z0-9_.:#/@+-]+)\}")


def place(name: str) -> str:
    """Return the reference to a place or program: ``place("data")`` is ``@{booty:data}``.

    Args:
        name: ``root state store data config logs run`` (``data config run`` are the
            reading instance's own folders), ``program:<key>`` (the executable of an artifact) or
            ``artifact:<key>`` (its unpacked folder).
    """
    return f"{MARK}{name}}}"


@frozen
class Secret:
    """A reference to a secret value; never the value itself.

    Attributes:
        name: dotted name, unique in the stack: ``bus.main.password`` is what consumer ``main``
            uses at service ``bus``; ``bus.ca.key`` belongs to the service; ``user/api-key`` is one
            that a user stored; ``env/HOME`` a variable of the planning shell.
        number: counts rotations from 1; part of the plan, so that a rotation is a change.
        form: a derived form made beside the value: ``bcrypt``, ``base64``, ``url``
            (percent-quoted), ``json`` (escaped, without quotes), ``address`` (host and port of a
            URL), ``pem-bundle``, of a certificate ``key cert ca``; empty for the value as it is.
    """

    name: str
    number: int = 1
    form: str = field(default="")

    @property
    def reference(self) -> str:
        """``name#number`` or ``name#number:form``: the key under which a backend knows it."""
        return f"{self.name}#{self.number}" + (f":{self.form}" if self.form else "")

    def __str__(self) -> str:
        """The marked string that stands for the value inside argv, files and variables."""
        return place(f"secret:{self.reference}")

    def as_form(self, form: str) -> Secret:
        """Return the same secret in a derived form (see :attr:`form`)."""
        return Secret(self.name, self.number, form)


def references(value: Any) -> Iterator[str]:
    """Yield the inner text of every reference found in a JSON-like value, in order of appearance.

    Args:
        value: any nesting of mappings (keys are looked at too), sequences and scalars.
    """
    if isinstance(value, str):
        yield from (found.group(1) for found in _REFERENCE.finditer(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from references(key)
            yield from references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)


def fill(value: Any, lookup: Callable[[str], str]) -> Any:
    """Return a JSON-like value with every reference replaced, one pass, never again inside.

    Args:
        value: any nesting of mappings, sequences and scalars.
        lookup: called with the inner text (``data``, ``secret:bus.main.password#1``); returns the
            text to put in its place. What it raises passes through.
    """
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: lookup(found.group(1)), value)
    if isinstance(value, dict):
        return {fill(key, lookup): fill(item, lookup) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, lookup) for item in value]
    return value


def literal_only(value: Any) -> bool:
    """Tell whether a JSON-like value holds no reference to a secret."""
    return not any(found.startswith("secret:") for found in references(value))
