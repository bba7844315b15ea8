"""Keys and metadata as S3 servers take them.

Servers refuse or rewrite control characters, backslashes, empty parts, and parts of dots alone.
Characters are escaped as ``__0x1f__``, the form of the Go CDK. A part that must not be as it is
has ``__0x__`` behind it, which stands for nothing: so prefixes and directories stay what they are.
Metadata travels in headers: its keys are escaped likewise, its values percent-encoded where they
are not plain ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

__all__ = ["escaped", "escaped_prefix", "metadata_from", "metadata_to", "unescaped"]

_OURS: Final = r"_(?=_0x[0-9a-f]*__)"
"""What looks like an escape of ours."""
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\\\ufffe\uffff]|" + _OURS)
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]|" + _OURS)
_ESCAPED: Final = re.compile(r"__0x([0-9a-f]*)__")
_NOTHING: Final = "__0x__"
_PLAIN: Final = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


def escaped(key: str) -> str:
    """Return a key as it is stored."""
    return "/".join(map(_part, key.split("/")))


def escaped_prefix(prefix: str) -> str:
    """Return what the stored keys begin with that begin with a prefix."""
    *whole, begun = prefix.split("/")
    return "/".join((*map(_part, whole), _UNSAFE.sub(_hex, begun)))


def _part(part: str) -> str:
    return part + _NOTHING if part in ("", ".", "..") else _UNSAFE.sub(_hex, part)


def _hex(found: re.Match[str]) -> str:
    return f"__0x{ord(found[0]):x}__"


def unescaped(stored: str) -> str:
    """Return the key, or the beginning of one, of a stored one."""
    return _ESCAPED.sub(lambda one: chr(int(one[1], 16)) if one[1] else "", stored)


def metadata_to(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as headers."""
    return {
        _NO_NAME.sub(_hex, key): _edges(quote(value, safe=_PLAIN))
        for key, value in metadata.items()
    }


def _edges(value: str) -> str:
    # blanks at the ends, or several of them, do not survive a header
    return re.sub(r"^ | $|(?<= ) ", "%20", value)


def metadata_from(headers: Mapping[str, str]) -> dict[str, str]:
    """Return metadata out of headers."""
    return {unescaped(key).lower(): unquote(value) for key, value in headers.items()}
