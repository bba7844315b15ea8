"""A clock that is asked to wait, and a download that is compared: for tests of asking hosts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from booty.fetch import Progress
from booty.fetch.access import Access
from booty.fetch.download import download
from booty.fetch.patience import Patience
from booty.fetch.sums import Sum
from conftest_fetch import Host

Handler = BaseHTTPRequestHandler
Hosts = Callable[..., Host]
DATA = hashlib.sha256(b"seed").digest() * 100_000
GOOD = Sum(digest=hashlib.sha256(DATA).hexdigest())


class Clock:
    """A clock that goes on as waits are asked for, and as it is looked at."""

    def __init__(self, step: float = 0.0) -> None:
        self.waited: list[float] = []
        self._now, self._step = 0.0, step

    def now(self) -> float:
        """Return the time, a step later at each look."""
        self._now += self._step
        return self._now

    def wait(self, seconds: float) -> None:
        """Note a wait."""
        self.waited.append(seconds)


def patient(clock: Clock, **more: Any) -> Access:
    """Return the usual patience by that clock."""
    return Access(patience=Patience(wait=clock.wait, now=clock.now, **more))


def get(url: str, folder: Path, access: Access, **more: Any) -> list[Progress]:
    """Download the data; returns what was told."""
    told: list[Progress] = []
    got = download(
        url,
        folder / "file",
        **{"key": "tool@1", "source": "release", "tell": told.append, "expected": GOOD,
           "limit": 1 << 30, "access": access, **more},
    )  # fmt: skip
    assert got.path.read_bytes() == DATA
    return told


def left(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())
