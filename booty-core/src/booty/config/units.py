"""Durations (``"10s"``) and sizes (``"4MiB"``): text to numbers and back."""

from __future__ import annotations

import re
from typing import Final

from booty.errors import ConfigError

__all__ = [
    "DURATION_PATTERN",
    "SIZE_PATTERN",
    "duration",
    "format_duration",
    "format_size",
    "size",
]

_MILLISECONDS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_BYTES: Final = {
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
}
DURATION_PATTERN: Final = r"^(0|([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+)$"
"""What a duration looks like; ECMA syntax too, for the schema."""
SIZE_PATTERN: Final = r"^[0-9]+(\.[0-9]+)? ?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$"
"""What a size looks like; ECMA syntax too, for the schema."""
_DURATION: Final = re.compile(DURATION_PATTERN[:-1] + r"\Z", re.ASCII)
_PART: Final = re.compile(r"([0-9.]+)(ms|s|m|h|d)")
_SIZE: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))? ?([A-Za-z]+)", re.ASCII)


def duration(text: str) -> float:
    """Return the seconds that a text such as ``500ms``, ``10s`` or ``1h30m`` stands for.

    Args:
        text: numbers with units out of ``d h m s ms``, or a bare ``0``.

    Raises:
        ConfigError: ``bad-duration``.
    """
    if not _DURATION.match(text):
        raise ConfigError(
            f'cannot read "{text}" as a duration',
            reference="bad-duration",
            hint='write a number and a unit, such as "500ms", "10s", "5m", "1h30m" or "7d"',
        )
    # one division at the end: 300 / 1000 is the float nearest to 0.3, 300 * 0.001 need not be
    return sum(float(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(text)) / 1000


def format_duration(seconds: float) -> str:
    """Return the shortest usual text for a number of seconds, exact to a millisecond.

    Args:
        seconds: 0 or more.

    Returns:
        Text that :func:`duration` reads back: ``500ms``, ``2.5s``, ``1m30s``.
    """
    rest = round(seconds * 1000)
    if rest < _MILLISECONDS["s"]:
        return f"{rest}ms" if rest else "0s"
    parts = []
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _MILLISECONDS[unit])
        parts.append(f"{count}{unit}" if count else "")
    whole, fraction = divmod(rest, 1000)
    digits = f".{fraction:03}".rstrip("0") if fraction else ""
    parts.append(f"{whole}{digits}s" if rest else "")
    return "".join(parts)


def size(text: str) -> int:
    """Return the bytes that a text such as ``64MiB`` stands for.

    Args:
        text: a number and one of ``B KiB MiB GiB TiB`` (1024) or ``kB MB GB TB`` (1000).

    Raises:
        ConfigError: ``bad-size``.
    """
    found = _SIZE.fullmatch(text)
    if found and found[3] in _BYTES:
        whole, fraction, unit = found[1], found[2] or "", found[3]
        scale: int = 10 ** len(fraction)
        count, rest = divmod(int(whole + fraction) * _BYTES[unit], scale)
        if not rest:
            return count
    raise ConfigError(
        f'cannot read "{text}" as a size',
        reference="bad-size",
        hint='write a number and a unit that give whole bytes, such as "512B", "64KiB" or "4MiB"',
    )


def format_size(count: int) -> str:
    """Return the shortest exact text for a number of bytes, in units of 1024.

    Args:
        count: bytes, 0 or more.

    Returns:
        Text that :func:`size` reads back: ``4MiB``, ``1025B``.
    """
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if count and count % _BYTES[unit] == 0:
            return f"{count // _BYTES[unit]}{unit}"
    return f"{count}B"
