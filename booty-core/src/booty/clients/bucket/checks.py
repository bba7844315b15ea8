"""What is checked before a driver is asked, so that every driver refuses the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from booty.clients.errors import ClientError, InvalidArgumentError, raise_arguments

__all__ = ["LONGEST_KEY", "checked_headers", "checked_key", "checked_metadata"]

LONGEST_KEY: Final = 1024
"""Bytes of a key in UTF-8: the limit of S3."""
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE: Final = re.compile(
    rf'{_WORD}/{_WORD}(\s*;\s*{_WORD}=({_WORD}|"[^"\x00-\x1f\x7f]*"))*\s*;?\Z'
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def checked_key(key: str, what: str = "key") -> str:
    """Return a key that may be used.

    Raises:
        InvalidArgumentError: it is empty, no text, not valid UTF-8, or too long.
    """
    if not isinstance(key, str):
        raise _wrong("key-invalid", f'cannot use "{key!r}" as a {what}: it is no text')
    if not key:
        raise _wrong("key-invalid", f'cannot use "" as a {what}: it is empty')
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        told = key.encode("utf-8", "backslashreplace").decode()
        raise _wrong("key-invalid", f'cannot use "{told}" as a {what}: no UTF-8') from error
    if length > LONGEST_KEY:
        told = f'cannot use "{key[:40]}…" as a {what}: {length} bytes, at most {LONGEST_KEY}'
        raise _wrong("key-invalid", told)
    return key


def _wrong(reference: str, message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, reference=reference)


def checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return metadata with lower-case keys.

    Raises:
        InvalidArgumentError: a key is empty, is there twice but for case, or a key or value is
            not valid UTF-8; all that is wrong at once.
    """
    found: dict[str, str] = {}
    faults: list[ClientError] = []
    for key, value in (metadata or {}).items():
        faults += _wrong_metadata(key, value, found)
        found[str(key).lower()] = value
    raise_arguments("cannot use the metadata", faults, None)
    return found


def _wrong_metadata(
    key: str, value: str, found: Mapping[str, str]
) -> Iterator[InvalidArgumentError]:
    reference = "metadata-invalid"
    if not (_text(key) and _text(value)):
        told = str(key).encode("utf-8", "backslashreplace").decode()
        yield _wrong(reference, f'cannot use the metadata key "{told}": no text in UTF-8')
    elif not key:
        yield _wrong(reference, 'cannot use the metadata key "": it is empty')
    elif key.lower() in found:
        yield _wrong(reference, f'cannot use the metadata key "{key}" twice, but for case')


def _text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def checked_headers(content_type: str, **headers: str) -> dict[str, Any]:
    """Return the five content headers.

    Raises:
        InvalidArgumentError: a malformed content type, or a header with control characters; all
            that is wrong at once.
    """
    faults: list[ClientError] = []
    if content_type and not _TYPE.match(content_type):
        told = f'cannot use "{content_type}" as a content type'
        faults.append(_wrong("content-type-invalid", told))
    for name, value in headers.items():
        if not _text(value) or _CONTROL.search(value):
            told = f'cannot use the header "{name.replace("_", "-")}": control characters'
            faults.append(_wrong("header-invalid", told))
    raise_arguments("cannot use the headers", faults, None)
    return {"content_type": content_type, **headers}
