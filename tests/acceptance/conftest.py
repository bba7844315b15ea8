"""Lets the acceptance tests find what they share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from conftest_cases import case  # noqa: F401 - found above; a fixture for all of them
from conftest_hello import hello, publisher  # noqa: F401 - likewise
