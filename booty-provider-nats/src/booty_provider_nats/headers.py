"""Metadata as headers of NATS, which hold less: names are tokens, values lose their outer spaces.

What a header cannot hold is percent-encoded, and so is the percent sign before two hexadecimal
digits; anything else stays as it is, so that programs without booty read and write it plainly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

__all__ = ["ID", "KEY", "decoded", "encoded"]

ID: Final = "Nats-Msg-Id"
KEY: Final = "Booty-Key"
_OURS: Final = re.compile(r"(?i:nats-|booty-key$|status$|description$)")
"""Names that mean something to the server, its client or us: somebody's metadata must not."""
_NAME: Final = re.compile(r"[^!#$&'*+\-.^_`|~0-9A-Za-z]")
_VALUE: Final = re.compile(r"%(?=[0-9A-Fa-f]{2})|[^\x20-\x7e]|^ +| +$")
_PLAIN: Final = re.compile(r"[!-$&-~](?:[ -$&-~]*[!-$&-~])?")


def encoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as headers."""
    return {_name(name): value_of(value) for name, value in metadata.items()}


def value_of(text: str) -> str:
    """Return a text as the value of a header."""
    if _PLAIN.fullmatch(text):
        return text
    if text == "%":
        return "%25"
    return _VALUE.sub(_escape, text) or "%"


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    plain = _NAME.sub(_escape, name)
    return f"%{ord(plain[0]):02X}{plain[1:]}" if _OURS.match(plain) else plain


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found.group().encode())


def decoded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of headers, without those of the server and ours."""
    return {
        unquote(name): text_of(value) for name, value in headers.items() if not _OURS.match(name)
    }


def text_of(value: str) -> str:
    """Return the text of a header's value."""
    if value == "%":  # an empty one, which nats-py would drop with its line
        return ""
    return unquote(value) if "%" in value else value
