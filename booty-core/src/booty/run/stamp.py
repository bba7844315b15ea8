"""The time that a line of a log begins with, read as its component declares it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["RFC3339", "misfit", "read"]

RFC3339: Final = "rfc3339"
_WIDTHS: Final = {
    "%Y": r"\d{4}", "%f": r"\d{1,6}", "%b": r"\w{3}", "%a": r"\w{3}", "%p": "[AP]M",
    "%z": r"(?:Z|[+-]\d\d:?\d\d)",
    **dict.fromkeys(("%y", "%m", "%d", "%H", "%I", "%M", "%S"), r"\d\d"),
    "%%": "%",
}  # fmt: skip
_PARTS: Final = re.compile(r"%.|\*|[^%*]+|%$")
_FULL: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_ANY: Final = r"\S*"


def read(line: str, form: str) -> float | None:
    """Return the time stamp at the beginning of a line.

    Args:
        line: one line of a log.
        form: ``rfc3339``, or a ``strptime`` format in which ``*`` is any run of characters but
            blanks: ``[*] %Y/%m/%d %H:%M:%S.%f``. A time without a zone is UTC.

    Returns:
        Seconds since 1970; ``None`` for a line that begins otherwise.
    """
    if form == RFC3339:
        found = _FULL.match(line)
        return _seconds(datetime.fromisoformat(found[0].upper())) if found else None
    literal, pattern = _compiled(form)
    found = re.match(pattern, line)
    if found is None:
        return None
    try:
        return _seconds(datetime.strptime("\0".join(found.groups()), literal))  # noqa: DTZ007 - the zone is looked at
    except ValueError:  # month 13
        return None


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _compiled(form: str) -> tuple[str, str]:
    # strptime cannot skip, so what is skipped stays outside of the groups it is given
    stamps, pattern = [], ""
    for part in _PARTS.findall(form):
        if part == "*":
            pattern += _ANY
        elif part.startswith("%"):
            stamps.append(part)
            pattern += f"({_WIDTHS[part]})"
        else:
            pattern += re.escape(part)
    return "\0".join(stamps), pattern


def misfit(form: str) -> str | None:
    """Return what is wrong with a format; ``None`` if it can be read by."""
    if form == RFC3339:
        return None
    parts = [part for part in _PARTS.findall(form) if part.startswith("%")]
    unknown = [part for part in parts if part not in _WIDTHS]
    if unknown:
        return f'"{unknown[0]}" is none of {" ".join(_WIDTHS)}'
    return None if "%Y" in parts or "%y" in parts else "it has no year"
