"""Fixtures of supervision."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from conftest_clock import Clock
from conftest_supervise import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that is gone when the test ends."""
    one = Stack(tmp_path)
    yield one
    one.end()


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that can be turned; whoever is started from here has it."""
    made = Clock(tmp_path)
    monkeypatch.setattr(sys, "executable", str(made.wrapper))
    return made
