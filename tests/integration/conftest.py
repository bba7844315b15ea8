"""What the tests of whole stacks share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from nats_shop import Shop

SLOTS, WIDTH = 550, 30
"""Rows of ports below the ephemeral ones, so that runs side by side do not meet."""


@pytest.fixture
def shop(tmp_path: Path, clean_env: dict[str, str], pytestconfig: pytest.Config) -> Iterator[Shop]:
    """A stack that is down when the test ends; programs come from a store that tests share."""
    home = Path(clean_env["BOOTY_HOME"])
    home.mkdir()
    assert pytestconfig.cache is not None
    (home / "store").symlink_to(pytestconfig.cache.mkdir("booty-store"))
    root = tmp_path / "stack"
    root.mkdir()
    made = Shop(root, clean_env, 15000 + os.getpid() % SLOTS * WIDTH)
    yield made
    made.run("down", status=None)
