"""When a server wants to be asked again: seconds, or a date."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["seconds"]


def seconds(header: str) -> float:
    """Return the seconds that a ``Retry-After`` header asks for; 0 if it asks for none."""
    if header.strip().isdigit():
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)
