"""Cases P: what every driver of topics and subscriptions must do."""

from __future__ import annotations

from booty.testing.conformance.topics import basic, native, portable, promised, settled
from booty.testing.conformance.topics.harness import CASES, TopicHarness

__all__ = ["CASES", "TopicHarness", "basic", "native", "portable", "promised", "settled"]
