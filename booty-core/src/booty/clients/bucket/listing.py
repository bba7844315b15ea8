"""Pages out of keys in order: what drivers need whose store cannot page by itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Generator
from typing import Final, TypeAlias

from booty.clients.bucket.nouns import Listed, ListRequest, Page
from booty.clients.errors import InvalidArgumentError

__all__ = ["Walk", "paged"]

Walk: TypeAlias = Callable[[bytes], Generator[bytes, bytes | None, None]]
"""Gives the keys of a store, in UTF-8 and byte order, from a place on. What is sent in is a further
place: keys before it need not be given, so that whole directories can be passed over."""
_BEHIND: Final = b"\xff"
"""Sorts behind everything that begins with what is in front of it: no UTF-8 has this byte."""


def paged(walk: Walk, request: ListRequest, listed: Callable[[str], Listed | None]) -> Page:
    """Return one page.

    Args:
        walk: the keys of the store.
        request: what is wanted.
        listed: makes the row of an object; ``None`` if it has gone meanwhile.

    Raises:
        InvalidArgumentError: the token is none of ours.
    """
    prefix, delimiter = request.prefix.encode(), request.delimiter.encode()
    start = prefix if request.token is None else max(_place(request.token), prefix)
    items: list[Listed] = []
    keys, place = walk(start), None
    while True:
        key = _next(keys, place)
        if key is None or not key.startswith(prefix):
            return Page(items=tuple(items))
        if len(items) == request.size:
            return Page(items=tuple(items), token=_token(start))
        directory = _directory(key, prefix, delimiter)
        start = place = key + b"\0" if directory is None else directory + _BEHIND
        row = listed(key.decode()) if directory is None else _row(directory)
        items += [] if row is None else [row]


def _next(keys: Generator[bytes, bytes | None, None], place: bytes | None) -> bytes | None:
    try:
        return keys.send(place)
    except StopIteration:
        return None


def _directory(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    at = key.find(delimiter, len(prefix)) if delimiter else -1
    return None if at < 0 else key[: at + len(delimiter)]


def _row(directory: bytes) -> Listed:
    return Listed(key=directory.decode(), directory=True)


def _token(place: bytes) -> str:
    return base64.urlsafe_b64encode(place).decode()


def _place(token: str) -> bytes:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        told = f'cannot use "{token[:40]}" as the token of a page'
        raise InvalidArgumentError(told, reference="token-invalid", native=error) from error
