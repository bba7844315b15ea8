"""``file://`` topics: the suite, and what only a folder shared by processes has to show."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from booty.clients import Capability
from booty.clients.pubsub import local
from booty.testing.conformance.topics import TopicHarness
from booty.testing.conformance.topics.suite import TopicConformance


class FileHarness(TopicHarness):
    """Topics in a folder."""

    driver = "file"
    capabilities = local.CAPABILITIES | {Capability.DURABLE}
    too_large = 64 * 2**20 + 1

    def start(self) -> None:
        """Make a folder."""
        self.folder = Path(tempfile.mkdtemp())

    def stop(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder)

    def topic(self, name: str, **parameters: str) -> str:
        """As the suite asks."""
        return f"file://{self.folder}/{name}?{urlencode({'create': 'true', **parameters})}"

    def subscription(self, name: str, durable: str, **parameters: str) -> str:
        """As the suite asks."""
        return self.topic(name, durable=durable, **parameters)

    def missing_topic(self, name: str) -> str:
        """As the suite asks."""
        return f"file://{self.folder}/{name}"

    def missing_subscription(self, name: str) -> str:
        """As the suite asks."""
        return f"file://{self.folder}/{name}?durable=nobody"

    async def restart(self) -> None:
        """Nothing is only in memory; processes are killed further below."""


class TestFile(TopicConformance):
    """The suite."""

    harness = FileHarness
