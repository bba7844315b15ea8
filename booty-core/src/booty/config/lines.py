"""Line numbers of keys in a TOML text, which ``tomllib`` does not tell.

Used when there is a fault to place, on text that ``tomllib`` has accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from booty.config.reading import At

__all__ = ["line"]

_TOKEN: Final = re.compile(
    r'(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'
    r"|(?P<comment>\#[^\n]*)|(?P<mark>[\[\]{}=,.\n])|(?P<word>[^\s\[\]{}=,.\"'#]+)",
    re.DOTALL,
)


def line(text: str, path: At) -> tuple[int, int]:
    """Return the line, from 1, on which a key or list item stands.

    Args:
        text: a correct TOML document.
        path: keys and numbers of list items.

    Returns:
        The line of the longest leading part of the path that is there, and how many parts of the
        path that is; zeros if nothing of it is there.
    """
    found: dict[At, int] = {}
    for at, number in _Scan(text).entries():
        found.setdefault(at, number)
    for length in range(len(path), 0, -1):
        if path[:length] in found:
            return found[path[:length]], length
    return 0, 0


class _Scan:
    """Walks over the tokens of a document once."""

    def __init__(self, text: str) -> None:
        self._tokens = self._split(text)
        self._line = 1
        self._token = next(self._tokens, "")

    def _split(self, text: str) -> Iterator[str]:
        last = 0
        for found in _TOKEN.finditer(text):
            self._line += text.count("\n", last, found.start())
            last = found.start()
            if found.lastgroup != "comment":
                yield found[0]
        yield ""

    def _next(self) -> str:
        taken, self._token = self._token, next(self._tokens, "")
        return taken

    def entries(self) -> Iterator[tuple[At, int]]:
        """Yield each path that is written down, with its line; some more than once."""
        table: At = ()
        lists: dict[At, int] = {}
        while self._token:
            if self._token == "\n":  # noqa: S105 - a token of TOML, not a password
                self._next()
            elif self._token == "[":  # noqa: S105 - likewise
                at = self._line
                table = self._header(lists)
                yield table, at
            else:
                yield from self._pair(table)

    def _header(self, lists: dict[At, int]) -> At:
        self._next()
        several = self._token == "["  # noqa: S105 - a token of TOML, not a password
        if several:
            self._next()
        path = self._keys("]")
        while self._token not in {"\n", ""}:
            self._next()
        # a table below the last item of a list of tables belongs to that item
        at: At = ()
        for key in path[:-1]:
            at = (*at, key)
            at = (*at, lists[at]) if at in lists else at
        at = (*at, path[-1])
        if several:
            lists[at] = lists.get(at, -1) + 1
        return (*at, lists[at]) if at in lists else at

    def _keys(self, end: str) -> At:
        keys: list[str] = []
        while self._token not in {end, ""}:
            key = self._next()
            if key != ".":
                keys.append(_plain(key))
        return tuple(keys)

    def _pair(self, table: At) -> Iterator[tuple[At, int]]:
        at = self._line
        path = table + self._keys("=")
        self._next()
        # "a.b = 1" also makes "a"
        for length in range(len(table) + 1, len(path) + 1):
            yield path[:length], at
        yield from self._value(path)

    def _value(self, path: At) -> Iterator[tuple[At, int]]:
        if self._token == "[":  # noqa: S105 - a token of TOML, not a password
            yield from self._list(path)
        elif self._token == "{":  # noqa: S105 - likewise
            yield from self._inline(path)
        else:
            while self._token not in {",", "]", "}", "\n", ""}:
                self._next()

    def _list(self, path: At) -> Iterator[tuple[At, int]]:
        self._next()
        number = 0
        while self._token not in {"]", ""}:
            if self._token in {",", "\n"}:
                self._next()
                continue
            yield (*path, number), self._line
            yield from self._value((*path, number))
            number += 1
        self._next()

    def _inline(self, path: At) -> Iterator[tuple[At, int]]:
        self._next()
        while self._token not in {"}", ""}:
            if self._token in {",", "\n"}:
                self._next()
            else:
                yield from self._pair(path)
        self._next()


def _plain(token: str) -> str:
    if token.startswith('"'):
        # TOML's escapes in keys are JSON's, but for \UXXXXXXXX and \e, which no key of ours has
        try:
            return str(json.loads(token))
        except ValueError:
            return token[1:-1]
    return token[1:-1] if token.startswith("'") else token
