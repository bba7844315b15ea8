"""Fixtures of fetching: a publisher on loopback, an empty store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.fetch import Lock, Store, _http, unreachable

sys.path.insert(0, str(Path(__file__).parent))

from conftest_fetch import Host, Publisher


@pytest.fixture(autouse=True)
def fresh_client() -> Iterator[None]:
    """A client that reads the environment anew for each test, and no memory of silent hosts."""
    unreachable._asked.clear()
    yield
    _http.client().close()
    _http._client.cache_clear()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """A publisher that is there for one test."""
    one = Publisher()
    yield one
    one.close()


@pytest.fixture
def hosts() -> Iterator[Callable[..., Host]]:
    """Make hosts that answer as a test says."""
    made: list[Host] = []

    def make(*args: Any) -> Host:
        made.append(Host(*args))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store."""
    monkeypatch.setenv("BOOTY_HOME", str(tmp_path / "home"))
    return Store(tmp_path / "home" / "store")


@pytest.fixture
def lock() -> Lock:
    """An empty lock."""
    return Lock()
