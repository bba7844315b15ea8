"""``nats://`` topics on a real server: the suite."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from anyio import to_thread
from booty.testing.conformance.topics import TopicHarness
from booty.testing.conformance.topics.suite import TopicConformance
from booty_provider_nats.sending import CAPABILITIES
from nats.aio.client import Client
from nats.aio.msg import Msg

pytestmark = pytest.mark.real


class NatsHarness(TopicHarness):
    """One server, with JetStream."""

    driver = "nats"
    capabilities = CAPABILITIES
    native = Client
    native_message = Msg
    too_large = (1 << 20) + 1

    def __init__(self, rig: Any) -> None:
        self.rig = rig

    def start(self) -> None:
        """Start the server."""
        self.rig.up()

    def topic(self, name: str, **parameters: str) -> str:
        """As the suite asks."""
        return f"{self.rig.url}/{name}?{urlencode({'create': 'true', **parameters})}"

    def subscription(self, name: str, durable: str, **parameters: str) -> str:
        """As the suite asks."""
        return self.topic(name, durable=durable, **parameters)

    def missing_topic(self, name: str) -> str:
        """As the suite asks."""
        return f"{self.rig.url}/{name}"

    def missing_subscription(self, name: str) -> str:
        """As the suite asks."""
        return f"{self.rig.url}/{name}?durable=nobody"

    async def restart(self) -> None:
        """Stop the server, and start it again."""
        await to_thread.run_sync(self._restart)

    def _restart(self) -> None:
        (server,) = self.rig.servers
        server.stop()
        server.start()
        self.rig.until(server.ready)


class TestNats(TopicConformance):
    """The suite."""

    harness = NatsHarness

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, lasting_rig: Any) -> TopicHarness:
        """One server for all cases."""
        return NatsHarness(lasting_rig)
