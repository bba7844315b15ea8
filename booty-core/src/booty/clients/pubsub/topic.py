"""``Topic``: messages go in here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import TYPE_CHECKING, Final

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from booty.clients.calls import calling
from booty.clients.errors import CanceledError
from booty.clients.pubsub.backoff import Backoff
from booty.clients.pubsub.closing import CLOSE_SECONDS, Closing
from booty.clients.pubsub.message import Hook, Outgoing

if TYPE_CHECKING:
    from booty.clients.pubsub.driver import TopicDriver

__all__ = ["Topic"]

BATCH_BYTES: Final = 4 << 20
"""A batch with so many bytes of bodies gets no more messages."""
_DEFAULT: Final = Backoff()
_NOTHING: Final[Mapping[str, str]] = {}


class Topic(Closing["TopicDriver"]):
    """A topic, whatever keeps it. Open it with :func:`booty.open_topic`.

    What is sent while a send is under way goes together, as one batch, when that is done: many
    callers at once cost little more than one. Messages are stored in the order of the calls.

    Args:
        driver: what stores the messages; belongs to the topic from now on.
        name: for people: a URL without what is secret.
        max_batch: messages that go together at most; the driver's own limit is never exceeded.
        backoff: waits between tries, where the driver says that a later try may go well.
    """

    def __init__(
        self,
        driver: TopicDriver,
        name: str,
        *,
        max_batch: int | None = None,
        backoff: Backoff = _DEFAULT,
    ) -> None:
        super().__init__(driver, name)
        self._most = min(max_batch or driver.max_batch, driver.max_batch)
        self._backoff = backoff
        self._numbers = count()
        self._turn = asyncio.Lock()
        self._queue: deque[tuple[Outgoing, asyncio.Future[None]]] = deque()
        self._drainer: asyncio.Task[None] | None = None
        self._given_up = asyncio.Event()

    async def send(
        self,
        body: bytes,
        metadata: Mapping[str, str] = _NOTHING,
        *,
        key: str = "",
        id: str = "",  # noqa: A002 - the field's own word
        before_send: Hook | None = None,
        after_send: Hook | None = None,
    ) -> None:
        """Send one message; returns when it is stored.

        Args:
            body: any bytes.
            metadata: names and values, any text.
            key: messages with the same key are handled in the order sent, one at a time.
            id: sent again within the topic's window, it is stored once only.
            before_send: called with the native message, or ``None``; its exception fails the send.
            after_send: likewise, when the message is stored.

        Raises:
            ClientError: it was not stored, or nobody knows whether it was (after a lost
                connection or a time limit): send it again with the same ``id``.
        """
        message = Outgoing(
            body=body,
            metadata=metadata,
            key=key,
            id=id,
            before_send=before_send,
            after_send=after_send,
        )
        message.check()
        self._check_open("send to")
        await checkpoint_if_cancelled()
        with calling("send to", self.name, self._driver.code, span="booty.topic.send"):
            await self._one(message)

    async def send_many(self, messages: Iterable[Outgoing | bytes]) -> None:
        """Send messages in batches, in this order; returns when all are stored.

        Args:
            messages: bodies, or messages with metadata; read as they are sent.

        Raises:
            ClientError: the first that was not stored; its batch was tried to the end, later
                batches were not begun. Its notes say how many.
        """
        source = iter(messages)
        while batch := self._batch(source):
            self._check_open("send to")
            await checkpoint_if_cancelled()
            with calling("send to", self.name, self._driver.code, span="booty.topic.send_many"):
                async with self._turn:
                    found = await self._attempt(batch)
                self._raise_first(found)

    def _batch(self, source: Iterator[Outgoing | bytes]) -> list[Outgoing]:
        batch: list[Outgoing] = []
        size = 0
        while (
            len(batch) < self._most
            and size < BATCH_BYTES
            and (one := next(source, None)) is not None
        ):
            message = one if isinstance(one, Outgoing) else Outgoing(body=one)
            message.check()
            batch.append(message)
            size += len(message.body)
        return batch

    @staticmethod
    def _raise_first(found: Sequence[Exception | None]) -> None:
        faults = [fault for fault in found if fault is not None]
        if faults:
            faults[0].add_note(f"{len(faults)} of {len(found)} messages were not sent")
            raise faults[0]

    async def flush(self) -> None:
        """Wait until everything that is being sent is stored or refused."""
        while self._queue or self._turn.locked():
            async with self._turn:
                pass

    async def close(self) -> None:
        """Wait until everything is stored, then let go.

        Cancelled, it gives up what is not stored yet.

        Raises:
            FailedPreconditionError: it was closed before.
        """
        self._check_open("close")
        self._closed = True
        try:
            await self.flush()
        finally:
            self._given_up.set()
            if self._drainer is not None:
                self._drainer.cancel()
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._driver.close()

    async def _one(self, message: Outgoing) -> None:
        if self._queue or self._turn.locked():
            await self._queued(message)
            return
        async with self._turn:
            (fault,) = await self._attempt((message,))
        if fault is not None:
            raise fault

    async def _queued(self, message: Outgoing) -> None:
        entry = (message, asyncio.get_running_loop().create_future())
        self._queue.append(entry)
        if self._drainer is None or self._drainer.done():
            self._drainer = asyncio.create_task(self._drain())
        try:
            await entry[1]
        except asyncio.CancelledError:
            if entry in self._queue:
                self._queue.remove(entry)
            raise

    async def _drain(self) -> None:
        batch: list[tuple[Outgoing, asyncio.Future[None]]] = []
        try:
            while self._queue:
                async with self._turn:
                    # who was cancelled meanwhile has left the queue
                    batch = self._waiting()
                    found = await self._attempt([message for message, _ in batch]) if batch else []
                for (_, future), fault in zip(batch, found, strict=True):
                    _settle(future, fault)
        except asyncio.CancelledError:
            gone = CanceledError("the topic was closed before this was stored")
            for _, future in (*batch, *self._queue):
                _settle(future, gone)
            raise

    def _waiting(self) -> list[tuple[Outgoing, asyncio.Future[None]]]:
        batch: list[tuple[Outgoing, asyncio.Future[None]]] = []
        size = 0
        while self._queue and len(batch) < self._most and size < BATCH_BYTES:
            batch.append(self._queue.popleft())
            size += len(batch[-1][0].body)
        return batch

    async def _attempt(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        # most batches go well at once
        numbers = list(islice(self._numbers, len(messages)))
        found = await self._try(messages, numbers)
        tries = 1
        while left := [at for at, fault in enumerate(found) if fault and self._again(fault)]:
            await self._backoff.pause(tries, self._given_up)
            answers = await self._try([messages[at] for at in left], [numbers[at] for at in left])
            for at, fault in zip(left, answers, strict=True):
                found[at] = fault
            tries += 1
        return found

    async def _try(
        self, messages: Sequence[Outgoing], numbers: Sequence[int]
    ) -> list[Exception | None]:
        try:
            return list(await self._driver.send(messages, numbers))
        except Exception as error:  # noqa: BLE001 - the driver says what it means
            return [error] * len(messages)

    def _again(self, fault: Exception) -> bool:
        return self._driver.retryable(fault) and not self._given_up.is_set()


def _settle(future: asyncio.Future[None], fault: Exception | None) -> None:
    if future.done():
        return
    if fault is None:
        future.set_result(None)
    else:
        future.set_exception(fault)
