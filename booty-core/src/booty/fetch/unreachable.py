"""Hosts that did not answer lately, and files they lack: paid for once, not at every ``up``."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any, Final

from booty import paths
from booty.errors import FetchError
from booty.fetch import _http

__all__ = ["MISSING", "REMEMBERED", "missing", "reachable"]

REMEMBERED: Final = 300.0
"""Seconds for which a host that did not answer is not asked again."""

MISSING: Final = 60.0
"""Seconds for which a file that was not there is not asked for again, if others can serve."""

_writing: Final = threading.Lock()
_asked: Final[dict[str, float]] = {}
"""When this process found a host silent, monotonic."""


def reachable(url: str, *, anew: bool = False, note: bool = True) -> tuple[str, bool]:
    """Find out why the host of a URL cannot be reached.

    Args:
        url: of the file that is wanted.
        anew: ask, whatever is remembered of earlier commands.
        note: remember a host that does not answer.

    Returns:
        The reason, empty if it can be reached; and whether it is remembered only.
    """
    file, host = _http.shown(url), _http.host(url)
    age, why = _read().get(file, (MISSING, ""))
    if 0 <= age < MISSING and not anew:
        return f"{why} ({age:.0f} s ago; asked again after {MISSING:.0f} s)", True
    age, why = _read().get(host, (REMEMBERED, ""))
    own = time.monotonic() - _asked.get(host, -REMEMBERED)
    if 0 <= age < REMEMBERED and (not anew or own < REMEMBERED):
        return f"{why} ({age:.0f} s ago; asked again after {REMEMBERED:.0f} s)", True
    try:
        _http.reach(url)
    except _http.Unreachable as error:
        if note:
            _remember(host, str(error))
        return str(error), False
    return "", False


def missing(error: FetchError) -> None:
    """Remember for a short while that a publisher has no such file."""
    if error.reference == "not-published" and error.subject:
        _remember(error.subject, error.message)


def _file() -> Path:
    return paths.cache() / "unreachable.json"


def _read() -> dict[str, tuple[float, str]]:
    now = time.time()
    try:
        found = json.loads(_file().read_text())
        return {host: (now - float(at), str(why)) for host, (at, why) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # nothing is known


def _remember(host: str, why: str) -> None:
    with _writing:
        _asked[host] = time.monotonic()
        now = time.time()
        kept = {name: [now - age, text] for name, (age, text) in _read().items()
                if age < REMEMBERED}  # fmt: skip
        _write(kept | {host: [now, why]})


def _write(hosts: dict[str, Any]) -> None:
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(hosts))
        new.replace(file)
    except OSError:
        return  # a cache that cannot be written costs two seconds next time
