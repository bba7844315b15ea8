"""The conformance suite of topics, for the drivers of core and for the portable types."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import pytest
from booty.clients import Capability
from booty.clients.pubsub import local
from booty.testing.conformance import TopicConformance, TopicHarness
from booty.testing.conformance.topics import CASES

OUTCOMES = Path(__file__).parents[3] / "docs" / "reference" / "conformance"


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


class PortableHarness(MemHarness):
    """The portable types, whose cases need no driver."""

    driver = "portable"
    capabilities = frozenset()


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


class TestMem(TopicConformance):
    """The suite."""

    harness = MemHarness


class TestFile(TopicConformance):
    """The suite."""

    harness = FileHarness


class TestPortable(TopicConformance):
    """The cases of the portable types."""

    harness = PortableHarness


@pytest.mark.parametrize("harness", [PortableHarness, MemHarness, FileHarness])
def test_the_matrix_is_that_of_a_run(harness: type[TopicHarness]) -> None:
    """What the page shows follows from what the driver declares, and what it declares passes."""
    file = OUTCOMES / f"topics-{harness.driver}.json"
    portable = harness.driver == "portable"
    wanted = {
        case.id: case.skipped(harness.capabilities) or "pass"
        for case in CASES
        if case.portable == portable
    }
    assert json.loads(file.read_text())["cases"] == wanted
