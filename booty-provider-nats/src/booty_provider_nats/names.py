"""What NATS takes as the name of something: regular expressions, and the rule for people."""

from __future__ import annotations

from typing import Final

__all__ = ["BUCKET", "PATTERN", "STREAM", "SUBJECT"]

SUBJECT: Final = (
    r"[^\s.*>]+(\.[^\s.*>]+)*",
    "it is words joined by dots, without spaces, * or >",
)
PATTERN: Final = (
    r"([^\s.>]+\.)*([^\s.>]+|>)",
    "it is words joined by dots, * for any, > for the rest",
)
STREAM: Final = (r"[^\s.*>/\\]+", "it has no dots, spaces, slashes, * or >")
BUCKET: Final = (r"[A-Za-z0-9_-]+", "it is letters, digits, - and _")
