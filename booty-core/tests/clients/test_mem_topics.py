"""``mem://`` topics."""

from __future__ import annotations

from urllib.parse import urlencode

from booty.clients.pubsub import local
from booty.testing.conformance.topics import TopicHarness
from booty.testing.conformance.topics.suite import TopicConformance


class MemHarness(TopicHarness):
    """Topics of this process."""

    driver = "mem"
    capabilities = local.CAPABILITIES
    too_large = 64 * 2**20 + 1

    def topic(self, name: str, **parameters: str) -> str:
        """As the suite asks."""
        return f"mem://{name}?{urlencode(parameters)}"

    def subscription(self, name: str, durable: str, **parameters: str) -> str:
        """As the suite asks."""
        return f"mem://{name}?{urlencode({'durable': durable, **parameters})}"

    def missing_topic(self, name: str) -> str:
        """As the suite asks."""
        return f"mem://{name}?create=false"

    def missing_subscription(self, name: str) -> str:
        """As the suite asks."""
        return f"mem://{name}?create=false"


class TestMem(TopicConformance):
    """The suite."""

    harness = MemHarness
