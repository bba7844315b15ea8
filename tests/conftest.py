"""Where things are, for the tests of the workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def workspace() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture
def clean_env(tmp_path: Path) -> dict[str, str]:
    """An environment with a home of its own and nothing of the shell's booty settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BOOTY_")}
    home = tmp_path / "home"
    home.mkdir()
    return kept | {"HOME": str(home), "BOOTY_HOME": str(home / "booty")}
