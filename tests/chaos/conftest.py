"""Lets the chaos suite find what it shares with other tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from nats_shop import shop  # noqa: F401 - found above; a fixture of the one with a real NATS
