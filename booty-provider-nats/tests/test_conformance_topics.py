"""``nats://`` topics on a real server: the suite."""

from __future__ import annotations

import signal
from typing import Any
from urllib.parse import urlencode

import pytest
from anyio import to_thread
from booty.clients import Capability
from booty.testing.conformance.topics import TopicHarness
from booty.testing.conformance.topics.suite import TopicConformance
from booty_provider_nats.api import ApiError
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


class ClusterHarness(NatsHarness):
    """Three servers, and streams of three copies."""

    driver = "nats of 3"
    capabilities = CAPABILITIES | {Capability.REPLICATED}

    def start(self) -> None:
        """Start the servers."""
        self.rig.up("replicas = 3")
        self.rig.until(self._places)

    def _places(self) -> bool:
        # ready is not yet known by all: for a while a stream of three finds too few of them
        try:
            self.rig.call("STREAM.CREATE.first", {"name": "first", "num_replicas": 3})
        except ApiError:
            return False
        return True

    def topic(self, name: str, **parameters: str) -> str:
        """As the suite asks."""
        more = urlencode({"create": "true", "replicas": "3", **parameters})
        return f"{self._hosts()}/{name}?{more}"

    def missing_topic(self, name: str) -> str:
        """As the suite asks."""
        return f"{self._hosts()}/{name}"

    def missing_subscription(self, name: str) -> str:
        """As the suite asks."""
        return f"{self._hosts()}/{name}?durable=nobody"

    def _hosts(self) -> str:
        first, *others = self.rig.url.split(",")
        return ",".join([first, *(one.partition("@")[2] for one in others)])

    def _restart(self) -> None:
        for server in self.rig.servers:
            server.stop()
            server.start()
            self.rig.until(server.ready)

    async def kill_leader(self, name: str) -> None:
        """Kill the server that leads the stream; it comes back."""
        await to_thread.run_sync(self._kill_leader, name)

    def _kill_leader(self, name: str) -> None:
        leader = self.rig.call(f"STREAM.INFO.{name}")["cluster"]["leader"]
        server = next(one for one in self.rig.servers if one.instance.name == leader)
        server.stop(signal.SIGKILL)
        server.start()


@pytest.mark.slow
class TestCluster(TopicConformance):
    """The suite, on three servers."""

    harness = ClusterHarness

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, lasting_rig: Any) -> TopicHarness:
        """Three servers for all cases."""
        return ClusterHarness(lasting_rig)
