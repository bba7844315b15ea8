"""``SyncTopic`` and ``SyncSubscription``: the same names as the async types, blocking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Self, TypeVar

from booty.clients.blocking import Blocking, Twin
from booty.clients.errors import FailedPreconditionError
from booty.clients.pubsub.message import Outgoing
from booty.clients.pubsub.opening import open_subscription, open_topic
from booty.clients.pubsub.subscription import Subscription
from booty.clients.pubsub.topic import Topic

if TYPE_CHECKING:
    from types import TracebackType

    from anyio.from_thread import BlockingPortal

    from booty.clients.pubsub.message import Hook, Message

__all__ = ["SyncMessage", "SyncSubscription", "SyncTopic"]

K = TypeVar("K")
_NOTHING: Final[Mapping[str, str]] = {}


class SyncTopic(Twin[Topic]):
    """See :class:`booty.Topic`; threads may share one, and their sends go together in batches."""

    _opener = staticmethod(open_topic)

    def send(
        self,
        body: bytes,
        metadata: Mapping[str, str] = _NOTHING,
        *,
        key: str = "",
        id: str = "",  # noqa: A002 - the field's own word
        before_send: Hook | None = None,
        after_send: Hook | None = None,
    ) -> None:
        """Send one message; returns when it is stored."""
        hooks = {"before_send": before_send, "after_send": after_send}
        self._run(self._one.send, body, metadata, key=key, id=id, **hooks)

    def send_many(self, messages: Iterable[Outgoing | bytes]) -> None:
        """Send messages in batches, in this order; returns when all are stored."""
        self._run(self._one.send_many, messages)

    def flush(self) -> None:
        """Wait until everything that is being sent is stored or refused."""
        self._run(self._one.flush)


class SyncMessage(Blocking):
    """See :class:`booty.Message`; ``with message:`` acknowledges, or gives back."""

    def __init__(self, message: Message, running: BlockingPortal) -> None:
        super().__init__(running)
        self._message = message
        self.body = message.body
        self.metadata = message.metadata
        self.topic = message.topic
        self.id = message.id
        self.key = message.key
        self.count = message.count
        self.nackable = message.nackable

    def ack(self) -> None:
        """Say that it is done; returns at once."""
        self._portal.call(self._message.ack)

    def nack(self, delay: float = 0.0) -> None:
        """Give it back; it is delivered again after ``delay`` seconds."""
        self._portal.call(self._message.nack, delay)

    def extend(self) -> None:
        """Say that it is still being worked on: its deadline begins anew."""
        self._portal.call(self._message.extend)

    def native(self, kind: type[K] | None) -> K | None:
        """Return the library's own message if it is of this type, else ``None``."""
        return self._message.native(kind)

    def __enter__(self) -> Self:
        self._run(self._message.__aenter__)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._message.__aexit__, kind, error, trace)


class SyncSubscription(Twin[Subscription]):
    """See :class:`booty.Subscription`; several threads may receive at once."""

    _opener = staticmethod(open_subscription)

    @property
    def ahead(self) -> int:
        """How many messages are taken ahead at this moment."""
        return self._one.ahead

    def receive(self, timeout: float | None = None) -> SyncMessage:
        """Wait for a message.

        Args:
            timeout: seconds to wait at most; ``None`` = for ever.

        Raises:
            TimeoutError: none came; none is lost.
            ClientError: as :meth:`booty.Subscription.receive`.
        """
        return SyncMessage(self._run(self._within, timeout), self._portal)

    async def _within(self, seconds: float | None) -> Message:
        import anyio

        with anyio.fail_after(seconds):
            return await self._one.receive()

    def receive_many(self, limit: int) -> list[SyncMessage]:
        """Wait for a message, and return it with what is there besides."""
        found = self._run(self._one.receive_many, limit)
        return [SyncMessage(message, self._portal) for message in found]

    def __iter__(self) -> Iterator[SyncMessage]:
        """Give messages until somebody drains or closes."""
        while True:
            try:
                message = self.receive()
            except FailedPreconditionError:
                if self._one.over:
                    return
                raise
            yield message

    def flush(self) -> None:
        """Wait until the driver has taken every ack, nack and extension so far."""
        self._run(self._one.flush)

    def drain(self) -> None:
        """Receive no more; wait until everything received is settled, and that is taken."""
        self._run(self._one.drain)
