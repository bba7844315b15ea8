"""What a hook says goes into events and logs; the credentials it was given do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["Redaction"]

SHORTEST: Final = 6
"""Characters of the shortest value that is taken out; shorter ones are ordinary words too."""
GONE: Final = "***"
_USER_INFO: Final = re.compile(r"(://)[^/@\s'\"]+@")


class Redaction:
    """Takes the secrets of a request out of texts about it.

    Args:
        request: the request with true values; what stands under a key ``secrets`` is secret, and so
            is the user part of every URL.
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        values = {text for text in _secrets(request) if len(text) >= SHORTEST}
        # the longest first: one value may be a piece of another
        self._values = sorted(values, key=lambda text: (-len(text), text))

    def text(self, text: str) -> str:
        """Return a text without them."""
        for value in self._values:
            text = text.replace(value, GONE)
        return _USER_INFO.sub(rf"\1{GONE}@", text)

    def data(self, value: Any) -> Any:
        """Return JSON-like data without them, in any depth."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return value


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item) if key == "secrets" else _secrets(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
