"""``Subscription``: messages come out here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from booty.clients.calls import spanning, traced, wrapped
from booty.clients.errors import FailedPreconditionError, InvalidArgumentError
from booty.clients.pubsub.backoff import Backoff
from booty.clients.pubsub.closing import CLOSE_SECONDS, Closing
from booty.clients.pubsub.dead import Burials
from booty.clients.pubsub.intake import Flow, Intake
from booty.clients.pubsub.message import Message
from booty.clients.pubsub.settling import Settling

if TYPE_CHECKING:
    from booty.clients.pubsub.dead import DeadLetters
    from booty.clients.pubsub.driver import SubscriptionDriver
    from booty.clients.pubsub.message import Delivery

__all__ = ["Subscription"]

_BACKOFF: Final = Backoff()
_FLOW: Final = Flow()


class Subscription(Closing["SubscriptionDriver"]):
    """A subscription, whatever keeps it. Open it with :func:`booty.open_subscription`.

    Messages are taken ahead, as many as the program can use. Several tasks may receive at once.
    A message that is not acknowledged comes again, to anybody.

    Args:
        driver: where messages come from; belongs to the subscription from now on.
        name: for people: a URL without what is secret.
        flow: how much it may hold; beyond that nothing is taken until something is settled.
        dead: where messages go that failed too often; ``None`` = each is tried for ever.
        backoff: waits between tries, where the driver says that a later try may go well.
    """

    def __init__(
        self,
        driver: SubscriptionDriver,
        name: str,
        *,
        flow: Flow = _FLOW,
        dead: DeadLetters | None = None,
        backoff: Backoff = _BACKOFF,
    ) -> None:
        super().__init__(driver, name)
        self._intake = Intake(driver, flow, backoff, self._admit, self._failed)
        most = min(flow.batch or driver.max_ack_batch, driver.max_ack_batch)
        self._settling = Settling(driver, self._failed, most=most, backoff=backoff)
        self._burials = Burials(dead, self._buried, self._failed)
        self._fault: Exception | None = None

    @property
    def ahead(self) -> int:
        """How many messages are taken ahead at this moment: it follows what the program can use."""
        return self._intake.prefetch.size

    @property
    def over(self) -> bool:
        """Whether it was drained or closed."""
        return self._intake.over.is_set()

    async def receive(self) -> Message:
        """Wait for a message.

        Cancelled, it loses none.

        Raises:
            ClientError: messages cannot be had, or an acknowledgement failed for good; the next
                call tries again.
        """
        return (await self._received(1))[0]

    async def receive_many(self, limit: int) -> list[Message]:
        """Wait for a message, and return it with what is there besides.

        Args:
            limit: messages at most, from 1.

        Raises:
            ClientError: as :meth:`receive`.
        """
        if limit < 1:
            raise InvalidArgumentError(
                f'cannot receive "{limit}" messages', hint="ask for 1 at least"
            )
        return await self._received(limit)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except FailedPreconditionError:
            if self.over:
                raise StopAsyncIteration from None
            raise

    async def flush(self) -> None:
        """Wait until the driver has taken every ack, nack and extension so far.

        Raises:
            ClientError: one of them failed for good; its message comes again.
        """
        await self._burials.flush()
        await self._settling.flush()
        self._raise_fault()

    async def drain(self) -> None:
        """Receive no more; wait until everything received is settled, and that is taken.

        What was taken ahead is given back. A message whose deadline passed is waited for no more.

        Raises:
            ClientError: as :meth:`flush`.
        """
        await self._stop()
        await self._intake.all_settled()
        await self.flush()

    async def close(self) -> None:
        """Receive no more, hand over what was settled, let go.

        What was taken ahead is given back; what is being worked on comes again. Cancelled, it gives
        up what is not handed over yet.

        Raises:
            FailedPreconditionError: it was closed before.
            ClientError: as :meth:`flush`; it is closed.
        """
        self._check_open("close")
        self._closed = True
        try:
            await self._stop()
            await self.flush()
        finally:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._let_go()

    async def _stop(self) -> None:
        for delivery in await self._intake.stop():
            self._settling.add("release", delivery.token)

    async def _let_go(self) -> None:
        self._intake.abandon()
        self._settling.abandon()
        try:
            await self._burials.close()
        finally:
            await self._driver.close()

    def ack(self, message: Message) -> None:
        """Take a message for done: :meth:`Message.ack`."""
        self._forget(message, "ack")
        self._settling.add("ack", message.delivery.token)

    def nack(self, message: Message, delay: float) -> None:
        """Give a message back: :meth:`Message.nack`."""
        self._forget(message, "nack")
        delivery = message.delivery
        if self._burials.hopeless(delivery, again=True):
            self._burials.bury(delivery)
        else:
            self._settling.add("nack", delivery.token, delay)

    def extend(self, message: Message) -> None:
        """Let a deadline begin anew: :meth:`Message.extend`."""
        message.delivery.expires = asyncio.get_running_loop().time() + self._driver.ack_wait
        self._settling.add("extend", message.delivery.token)

    def _forget(self, message: Message, doing: str) -> None:
        if self._closed:
            raise FailedPreconditionError(
                f'cannot {doing} "{message.id}": its subscription is closed',
                reference="client-closed",
                subject=message.id,
                hint="call drain before close, to wait for what is being worked on",
            )
        self._intake.settled(message)

    def _admit(self, delivery: Delivery) -> Message | None:
        if self._burials.hopeless(delivery):
            self._burials.bury(delivery)
            return None
        return Message(delivery, self)

    def _buried(self, delivery: Delivery) -> None:
        self._settling.add("ack", delivery.token)

    def _failed(self, error: Exception) -> None:
        self._fault = error
        self._intake.wake(1)

    def _raise_fault(self) -> None:
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise wrapped(fault, "receive from", self.name, self._driver.code) from fault

    async def _received(self, limit: int) -> list[Message]:
        if not traced():
            return await self._taken(limit)
        with spanning("booty.subscription.receive", self.name):
            return await self._taken(limit)

    async def _taken(self, limit: int) -> list[Message]:
        await checkpoint_if_cancelled()
        while True:
            self._check_open("receive from")
            self._raise_fault()
            if found := self._intake.taken(limit):
                return found
            if self.over:
                raise self._shut("receive from", "drained")
            await self._intake.wait()
