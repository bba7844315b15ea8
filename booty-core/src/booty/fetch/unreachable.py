"""Hosts that did not answer lately: paid for once, not at every ``up``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from booty import paths
from booty.fetch import _http

__all__ = ["reachable"]

REMEMBERED: Final = 300.0
"""Seconds for which a host that did not answer is not asked again."""


def reachable(url: str) -> str:
    """Return why the host of a URL cannot be reached, or an empty string."""
    file = paths.cache() / "unreachable.json"
    host = urlsplit(url).netloc
    known = _read(file)
    if time.time() - known.get(host, 0.0) < REMEMBERED:
        return f"{host} did not answer lately"
    try:
        _http.reach(url)
    except _http.Unreachable as error:
        _remember(file, known | {host: time.time()})
        return str(error)
    return ""


def _read(file: Path) -> dict[str, float]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}  # nothing is known
    return found if isinstance(found, dict) else {}


def _remember(file: Path, hosts: dict[str, float]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(hosts))
        new.replace(file)
    except OSError:
        return  # a cache that cannot be written costs two seconds next time
