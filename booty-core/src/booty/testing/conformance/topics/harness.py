"""What the suite must know of a driver of topics, beyond its URLs."""

from __future__ import annotations

import abc
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from booty.clients.pubsub.opening import open_subscription, open_topic
from booty.testing.conformance.case import Cases
from booty.testing.conformance.harness import lacking

if TYPE_CHECKING:
    from booty.clients.capability import Capability
    from booty.clients.pubsub.driver import SubscriptionDriver
    from booty.clients.pubsub.subscription import Subscription
    from booty.clients.pubsub.topic import Topic

__all__ = ["CASES", "TopicHarness"]


class TopicHarness(abc.ABC):
    """A driver in the hands of the suite. Written once for each driver.

    ``start`` and ``stop`` are called once for all cases, the rest in the loop of a case.

    Attributes:
        driver: what the matrix calls it: ``mem``, ``nats``.
        deadline: seconds that one case may take.
        capabilities: what the driver declares; cases that need another one are skipped.
        native: type of the library's own object, of topics and subscriptions, if there is one.
        native_message: likewise of a message.
        too_large: bytes of a body that the place refuses.
    """

    driver: ClassVar[str]
    deadline: ClassVar[float] = 60.0
    capabilities: ClassVar[frozenset[Capability]]
    native: ClassVar[type | None] = None
    native_message: ClassVar[type | None] = None
    too_large: int = 0

    def start(self) -> None:  # noqa: B027 - not every driver has a server
        """Start the server; may skip with a reason where it cannot be had."""

    def stop(self) -> None:  # noqa: B027 - not every driver has a server
        """Stop the server and remove what it left."""

    @abc.abstractmethod
    def topic(self, name: str, **parameters: str) -> str:
        """Return the URL of a topic that is made when it is first used.

        Args:
            name: unique, letters and digits.
            **parameters: ``dedupe_window``, ``batch``.
        """

    @abc.abstractmethod
    def subscription(self, name: str, durable: str, **parameters: str) -> str:
        """Return the URL of a subscription that is made, with its topic, when it is first used."""

    @abc.abstractmethod
    def missing_topic(self, name: str) -> str:
        """Return the URL of a topic that is not there and not made."""

    @abc.abstractmethod
    def missing_subscription(self, name: str) -> str:
        """Return the URL of a subscription that is not there and not made."""

    async def restart(self) -> None:
        """Restart the server (``server``), or forget all that is only in memory (``durable``)."""
        raise lacking(self, "durable", "restart")

    async def kill_leader(self, name: str) -> None:
        """Kill the server that leads a topic (``replicated``)."""
        raise lacking(self, "replicated", "kill_leader")

    @asynccontextmanager
    async def pair(self, **parameters: str) -> AsyncIterator[tuple[Topic, Subscription]]:
        """Give a fresh topic with one subscription; ``parameters`` are the subscription's."""
        name = self.name()
        async with self.topic_of(name) as topic, self.subscribed(name, **parameters) as one:
            yield topic, one

    @asynccontextmanager
    async def topic_of(self, name: str, **parameters: str) -> AsyncIterator[Topic]:
        """Open a topic."""
        async with open_topic(self.topic(name, **parameters)) as topic:
            yield topic

    @asynccontextmanager
    async def subscribed(
        self, name: str, durable: str = "one", **parameters: str
    ) -> AsyncIterator[Subscription]:
        """Open a subscription."""
        url = self.subscription(name, durable, **parameters)
        async with open_subscription(url) as subscription:
            yield subscription

    @staticmethod
    def name() -> str:
        """Return a name that nobody else has."""
        return f"c{uuid.uuid4().hex[:12]}"

    def subscription_driver(self, name: str, durable: str = "one") -> SubscriptionDriver:
        """Return a bare driver of a subscription."""
        from booty.clients import drivers
        from booty.clients.pubsub.opening import SUBSCRIPTION_PARAMETERS

        url = self.subscription(name, durable)
        driver: SubscriptionDriver = drivers.find("subscription", url, SUBSCRIPTION_PARAMETERS)[1]
        return driver


CASES: Final = Cases[TopicHarness]()
"""Cases P; those of the portable types alone (P24 to P41) speak to no driver and are not here."""
