"""What goes into a topic and what comes out of a subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from attrs import define, field, frozen

from booty.clients.capability import Capability
from booty.clients.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    UnimplementedError,
)

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Delivery", "Hook", "Message", "Outgoing", "Sink"]

_T = TypeVar("_T")
Hook = Callable[[Any], None]
"""Called with the driver's own message, or with ``None`` where it has none."""
_NOTHING: Final[Mapping[str, str]] = {}


@frozen(kw_only=True)
class Outgoing:
    """A message to be sent.

    Attributes:
        body: any bytes.
        metadata: names and values, any text; a name is not empty.
        key: messages with the same key are handled in the order sent, one at a time.
        id: a message with an id that was sent within the topic's window is stored once only;
            empty = one is made where the driver needs it to send again without doubling.
        before_send: called before it is handed to the driver's library; may change the native
            message, and an exception of it fails this message alone.
        after_send: called when it is stored.
    """

    body: bytes
    metadata: Mapping[str, str] = _NOTHING
    key: str = ""
    id: str = ""
    before_send: Hook | None = None
    after_send: Hook | None = None

    def check(self) -> None:
        """Refuse what no driver could carry.

        Raises:
            InvalidArgumentError: the body is no bytes, or a name, value, key or id no valid text.
        """
        if not isinstance(self.body, bytes | bytearray | memoryview):
            raise InvalidArgumentError(
                f'cannot send a "{type(self.body).__name__}": a body is bytes',
                hint="encode it: text.encode()",
            )
        for name, value in self.metadata.items():
            _text(name, "metadata name", empty=False)
            _text(value, "metadata value")
        if self.key:
            _text(self.key, "key")
        if self.id:
            _text(self.id, "id")


def _text(value: object, what: str, *, empty: bool = True) -> None:
    if not isinstance(value, str) or not (value or empty):
        raise InvalidArgumentError(
            f'cannot send {what} "{value!r}": it must be text', hint="use str"
        )
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise InvalidArgumentError(
            f'cannot send {what} "{value!r}": it is no valid UTF-8',
            hint="put bytes in the body",
        ) from error


@define(kw_only=True, eq=False)
class Delivery:
    """A message as a driver hands it over, once.

    Attributes:
        token: what the driver knows it by when it is acknowledged.
        body: as sent.
        metadata: as sent.
        topic: the topic, subject or queue that it was sent to.
        id: for logs; the same at each delivery of this message.
        count: deliveries so far, this one included; 1 at the first.
        key: as sent.
        expires: when its deadline passes, by the clock of the event loop; infinite = never.
        native: the library's own message, if there is one.
    """

    token: Any
    body: bytes
    metadata: Mapping[str, str]
    topic: str
    id: str
    count: int = 1
    key: str = ""
    expires: float = float("inf")
    native: Any = None


class Sink(Protocol):
    """Where a message goes when it is settled: the subscription that it came from."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the driver can do."""

    def ack(self, message: Message) -> None:
        """Take it for done."""

    def nack(self, message: Message, delay: float) -> None:
        """Have it delivered again after ``delay`` seconds."""

    def extend(self, message: Message) -> None:
        """Let its deadline begin anew."""


@define(eq=False)
class Message:
    """A received message; acknowledge it, or give it back.

    ``async with message:`` keeps its deadline at bay while the block runs, acknowledges at the end
    and gives it back when the block raises.

    Attributes:
        delivery: as the driver handed it over.
    """

    delivery: Delivery
    _sink: Sink = field(repr=False)
    _settled: str = ""
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def body(self) -> bytes:
        """The bytes sent."""
        return self.delivery.body

    @property
    def metadata(self) -> Mapping[str, str]:
        """The names and values sent."""
        return self.delivery.metadata

    @property
    def topic(self) -> str:
        """The topic, subject or queue that it was sent to."""
        return self.delivery.topic

    @property
    def id(self) -> str:
        """For logs; the same at each delivery of this message, never empty."""
        return self.delivery.id

    @property
    def key(self) -> str:
        """The ordering key sent, or nothing."""
        return self.delivery.key

    @property
    def count(self) -> int:
        """Deliveries so far, this one included."""
        return self.delivery.count

    @property
    def nackable(self) -> bool:
        """Whether it can be given back."""
        return Capability.NACK in self._sink.capabilities

    def ack(self) -> None:
        """Say that it is done; returns at once, see :meth:`Subscription.flush`.

        Raises:
            FailedPreconditionError: it was acknowledged or given back before.
        """
        self._settle("ack")
        self._sink.ack(self)

    def nack(self, delay: float = 0.0) -> None:
        """Give it back; it is delivered again, to anybody.

        Args:
            delay: seconds before that, 0 = at once.

        Raises:
            FailedPreconditionError: it was acknowledged or given back before.
            InvalidArgumentError: a negative delay.
            UnimplementedError: the driver cannot, or not with a delay.
        """
        wanted = Capability.DELAY if delay else Capability.NACK
        if wanted not in self._sink.capabilities:
            raise self._missing("give back", wanted)
        if not 0 <= delay < float("inf"):
            raise InvalidArgumentError(f'cannot wait "{delay}" seconds: give a number from 0')
        self._settle("nack")
        self._sink.nack(self, delay)

    def extend(self) -> None:
        """Say that it is still being worked on: its deadline begins anew.

        Raises:
            FailedPreconditionError: it was acknowledged or given back before.
            UnimplementedError: the driver has no deadlines to extend.
        """
        if Capability.EXTEND not in self._sink.capabilities:
            raise self._missing("extend", Capability.EXTEND)
        if self._settled:
            raise self._twice("extend")
        self._sink.extend(self)

    def native(self, kind: type[_T] | None) -> _T | None:
        """Return the library's own message if it is of this type, else ``None``."""
        native = self.delivery.native
        return native if kind is not None and isinstance(native, kind) else None

    def _settle(self, how: str) -> None:
        if self._settled:
            raise self._twice(how)
        self._settled = how
        if self._timer is not None:
            self._timer.cancel()

    def _missing(self, doing: str, needed: Capability) -> UnimplementedError:
        return UnimplementedError(
            f'cannot {doing} "{self.id}": the driver does not declare "{needed}"',
            reference="capability-missing",
            subject=self.id,
            hint="look at capabilities before the call",
        )

    def _twice(self, how: str) -> FailedPreconditionError:
        return FailedPreconditionError(
            f'cannot {how} "{self.id}": it was settled by "{self._settled}" before',
            reference="message-settled",
            subject=self.id,
            hint="call ack or nack once for each message received",
        )

    async def __aenter__(self) -> Self:
        self._keep()
        return self

    def _keep(self) -> None:
        loop, deadline = asyncio.get_running_loop(), self.delivery.expires
        left = deadline - loop.time()
        if Capability.EXTEND in self._sink.capabilities and left < float("inf"):
            self._timer = loop.call_later(max(left, 0.0) / 2, self._extend)

    def _extend(self) -> None:
        if not self._settled:
            self._sink.extend(self)
            self._keep()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._settled:
            return
        if error is None:
            self.ack()
        elif self.nackable:
            self.nack()
        elif self._timer is not None:
            self._timer.cancel()
