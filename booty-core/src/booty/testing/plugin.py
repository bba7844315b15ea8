"""The pytest plugin. It is loaded in every pytest run, so it imports nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of contract classes that run the real program."""
    config.addinivalue_line("markers", "real: runs a real program, fetched from its publisher")
