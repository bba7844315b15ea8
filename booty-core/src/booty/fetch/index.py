"""The Python index as pip is set to use it: which files of a distribution it lists."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any, Final

from attrs import frozen

from booty.fetch import _http
from booty.fetch.look import Seen, looked

__all__ = ["Listed", "listed"]

ANSWER: Final = 10.0
"""Seconds that pip may take to print its settings."""
OK: Final = 200
ABSENT: Final = 404
JSON: Final = "application/vnd.pypi.simple.v1+json"
ACCEPT: Final = f"{JSON}, text/html;q=0.5"


@frozen(kw_only=True)
class Listed:
    """A file of a distribution.

    Attributes:
        name: of the file.
        size: bytes, 0 = the index does not say.
        date: day of its upload; empty = the index does not say.
        yanked: the reason, empty if none was given; ``None`` = it is not yanked.
    """

    name: str
    size: int = 0
    date: str = ""
    yanked: str | None = None


def listed(distribution: str) -> list[Listed]:
    """Return the files of a distribution on the indexes that pip is set to use.

    Raises:
        booty.fetch._http.Unreachable: no index answers in time; with a phrase that says why.
    """
    found: list[Listed] = []
    silent: list[_http.Unreachable] = []
    for index in _indexes():
        try:
            page = f"{index.rstrip('/')}/{_name(distribution)}/"
            seen = looked(page, get=True, accept=ACCEPT)
        except _http.Unreachable as error:
            silent.append(error)
            continue
        if seen.status == OK:
            found += _parsed(seen)
        elif seen.status != ABSENT:
            silent.append(_http.Unreachable(f"{_http.host(index)} says {seen.status}"))
    if silent and not found:
        raise silent[0]
    return found


def _name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _parsed(seen: Seen) -> list[Listed]:
    try:
        if seen.headers.get("content-type", "").startswith(JSON):
            return [*_of_json(json.loads(seen.body))]
        page = _Page()
        page.feed(seen.body.decode(errors="replace"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"{_http.host(seen.url)} gives no page of an index"
        raise _http.Unreachable(message) from error
    return page.found


def _of_json(page: Mapping[str, Any]) -> Iterator[Listed]:
    for one in page["files"]:
        yanked = one.get("yanked", False)
        yield Listed(
            name=str(one["filename"]),
            size=int(one.get("size") or 0),
            date=str(one.get("upload-time") or "")[:10],
            yanked=None if yanked is False else yanked if isinstance(yanked, str) else "",
        )


class _Page(HTMLParser):
    """The older form of the same page: links whose text is the file's name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Listed] = []
        self._yanked: str | None = None
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._text = []
            given = dict(attrs)
            self._yanked = (given["data-yanked"] or "") if "data-yanked" in given else None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._text is not None:
            self.found.append(Listed(name="".join(self._text).strip(), yanked=self._yanked))
            self._text = None


def _indexes() -> tuple[str, ...]:
    return _asked(tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("PIP_"))))


@functools.cache
def _asked(_: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    # its settings come from variables and four files: only pip itself knows which hold
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            capture_output=True, text=True, check=False, timeout=ANSWER, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return (_public(),)
    said = dict(_settings(done.stdout))
    first = _strongest(said, "index-url") or _public()
    return (first, *(_strongest(said, "extra-index-url") or "").split())


def _public() -> str:
    # the one that pip asks if nobody says otherwise
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, mark, value = line.partition("=")
        with suppress(ValueError, SyntaxError):
            if mark:
                yield key.strip(), str(ast.literal_eval(value))


def _strongest(said: Mapping[str, str], name: str) -> str | None:
    for section in (":env:", "download", "install", "global"):
        if f"{section}.{name}" in said:
            return said[f"{section}.{name}"]
    return None
