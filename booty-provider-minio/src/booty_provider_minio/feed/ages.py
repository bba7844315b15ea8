"""When something was made: as a number that orders the changes of a key, and as a time. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["after", "noticed", "sequencer", "time"]

_ULID: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
_DIGITS: Final = {digit: value for value, digit in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_RANDOM_BITS: Final = 80
_LONGEST: Final = 16
"""Digits of nanoseconds; what is longer is a whole ULID."""


def sequencer(version: str, written: datetime) -> str:
    """Return the number, hexadecimal.

    A version of versitygw is a ULID, which is made of its time and grows within a millisecond. The
    time in the listing of versions is worth less: that of a former version changes when the next
    comes, and a delete marker has that of what it hides.

    Args:
        version: its version; empty where none are kept.
        written: its time in the listing.
    """
    if _ULID.fullmatch(version):
        number = 0
        for digit in version:
            number = number * len(_DIGITS) + _DIGITS[digit]
        return f"{number:032X}"
    return f"{int(written.timestamp() * 1_000_000) * 1000:016X}"


def noticed(former: str, seconds: float) -> str:
    """Return the number of a moment, of the kind that a former change has.

    Args:
        former: the number of a change that was before; the result is greater in any case.
        seconds: since the epoch.
    """
    milli = int(seconds * 1000)
    number = milli << _RANDOM_BITS if len(former) > _LONGEST else milli * 1_000_000
    return max(f"{number:0{len(former)}X}", after(former))


def after(number: str) -> str:
    """Return the next greater number, of the same kind."""
    return f"{int(number, 16) + 1:0{len(number)}X}"


def time(number: str) -> str:
    """Return the time in it, RFC 3339, UTC."""
    value = int(number, 16)
    seconds = value / 1e9 if len(number) <= _LONGEST else (value >> _RANDOM_BITS) / 1e3
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
