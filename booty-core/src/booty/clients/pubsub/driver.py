"""What a driver of topics and subscriptions is: small, and judged by the conformance suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from booty.clients.capability import Capability
    from booty.clients.errors import Code
    from booty.clients.pubsub.message import Delivery, Outgoing

__all__ = ["SubscriptionDriver", "TopicDriver"]


class _Driver(Protocol):
    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do beyond the calls below."""

    def code(self, error: Exception) -> Code:
        """Return the code of an exception that its library raised."""

    def retryable(self, error: Exception) -> bool:
        """Tell whether the same call may go well a little later, without doing anything twice."""

    def native(self) -> tuple[object, ...]:
        """Return the library's own objects, connected or not; none if there are none."""

    async def close(self) -> None:
        """Let go of everything; what was handed over has been taken before. Called once."""


class TopicDriver(_Driver, Protocol):
    """A topic of one product. Only one call is under way at any time, but for ``close``."""

    @property
    def max_batch(self) -> int:
        """The largest batch that :meth:`send` takes."""

    async def send(
        self, messages: Sequence[Outgoing], numbers: Sequence[int]
    ) -> Sequence[Exception | None]:
        """Store messages, in this order; returns when all are stored or refused.

        May be called with messages that it stored before without anybody knowing; they have the
        numbers of then. Hooks of a message are called by the driver.

        Args:
            messages: what to store.
            numbers: one for each, given once in the life of the topic.

        Returns:
            For each message, in order, what went wrong.

        Raises:
            Exception: whatever the library raises, if it is the same for all of them.
        """


class SubscriptionDriver(_Driver, Protocol):
    """A subscription of one product.

    One ``receive`` is under way at any time, and beside it one call of the others.
    """

    @property
    def max_batch(self) -> int:
        """The largest number of messages that :meth:`receive` gives."""

    @property
    def max_ack_batch(self) -> int:
        """The largest number of tokens that :meth:`ack`, :meth:`nack` and :meth:`extend` take."""

    @property
    def ack_wait(self) -> float:
        """Seconds in which a message must be acknowledged; infinite = it never comes again."""

    async def receive(self, limit: int) -> Sequence[Delivery]:
        """Wait for messages and return them; none is fine too, then it is called again.

        Cancelling it loses nothing: what was on its way is returned by the next call, or delivered
        again when its deadline has passed.

        Raises:
            Exception: whatever the library raises.
        """

    async def ack(self, tokens: Sequence[Any]) -> None:
        """Take messages for done; one that was acknowledged before is no error.

        Raises:
            Exception: whatever the library raises.
        """

    async def nack(self, tokens: Sequence[Any], delay: float) -> None:
        """Have messages delivered again after ``delay`` seconds; one that is done is no error."""

    async def release(self, tokens: Sequence[Any]) -> None:
        """Give back messages that nobody looked at; where possible this counts as no delivery."""

    async def extend(self, tokens: Sequence[Any]) -> None:
        """Let deadlines begin anew."""
