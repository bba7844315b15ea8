"""``nats://`` subscriptions: a durable pull consumer, asked for as much as the program uses."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import anyio
from booty import clients

from booty_provider_nats import faults, headers, names, places
from booty_provider_nats.api import ApiError
from booty_provider_nats.lanes import Lanes
from booty_provider_nats.link import Address, Link, Question
from booty_provider_nats.sending import CAPABILITIES, OURS

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

__all__ = ["SubscriptionDriver"]

BATCH: Final = 1000
HELD: Final = 1000
"""Messages that wait behind others of their key; with so many nothing more is asked for."""
EXPIRES: Final = 30.0
"""Seconds that a request for messages stands."""
HEARTBEAT: Final = 5.0
"""Seconds after which the server says that it still stands."""
_NANOSECONDS: Final = 1_000_000_000
_TOKENS: Final = 9
"""Tokens of a reply subject without a domain; with one there are more in front."""


class SubscriptionDriver:
    """The driver.

    Args:
        location: ``nats://[USER:PASSWORD@]HOST[:PORT][,HOST…]/SUBJECT?durable=NAME…``.
    """

    capabilities = CAPABILITIES
    max_batch = BATCH
    max_ack_batch = BATCH

    def __init__(self, location: clients.Location) -> None:
        self._given = location.parameters
        self._subject = places.subject_of(location, pattern=True)
        places.check_name(location, self._given["durable"], names.STREAM)
        self.ack_wait = self._given["ack_wait"] or places.ACK_SECONDS
        self._link = Link(Address.of(location), f"subscription {self._given['durable']}")
        self._link.listeners.append(self._news)
        self._connection: Client | None = None
        self._inbox = ""
        self._next = ""
        self._buffer: deque[clients.Delivery] = deque()
        self._asked = 0
        self._lanes = Lanes()
        self._stirred = asyncio.Event()
        self._ended: Exception | None = None
        self._timer: asyncio.TimerHandle | None = None

    def code(self, error: Exception) -> clients.Code:
        """Judge what NATS or its library says."""
        return faults.code_of(error)

    def retryable(self, error: Exception) -> bool:
        """Tell whether a later try may go well."""
        return faults.retryable(error)

    def native(self) -> tuple[object, ...]:
        """Give the connection, and its JetStream, once there is one."""
        connection = self._link.connection
        return () if connection is None else (connection, connection.jetstream())

    async def close(self) -> None:
        """Let go."""
        if self._timer is not None:
            self._timer.cancel()
        await self._link.close()

    async def receive(self, limit: int) -> Sequence[clients.Delivery]:
        """Ask the consumer, and wait."""
        await self._open()
        while not self._buffer:
            self._stirred.clear()
            self._raise_ended()
            await self._ask(limit)
            with anyio.move_on_after(2 * HEARTBEAT) as silence:
                await self._stirred.wait()
            if silence.cancelled_caught:  # not even a heartbeat: the request is lost
                self._asked = 0
        before = -1
        while before < len(self._buffer) < limit:  # what came in the same go
            before = len(self._buffer)
            await anyio.lowlevel.checkpoint()
        return [self._buffer.popleft() for _ in range(min(limit, len(self._buffer)))]

    async def _open(self) -> None:
        connection = await self._link.ready()
        if connection is self._connection:
            return
        stream = await places.stream(connection, self._subject, self._given)
        config = await places.consumer(connection, stream, self._subject, self._given)
        self.ack_wait = config["ack_wait"] / _NANOSECONDS
        self._inbox = connection.new_inbox()
        await connection.subscribe(self._inbox, cb=self._arrived, pending_bytes_limit=-1)
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{self._given['durable']}"
        self._asked = 0
        self._connection = connection

    async def _ask(self, limit: int) -> None:
        wanted = limit - self._asked
        if self._asked > limit // 2 or len(self._lanes) >= HELD:
            return
        request = {
            "batch": wanted,
            "expires": int(EXPIRES * _NANOSECONDS),
            "idle_heartbeat": int(HEARTBEAT * _NANOSECONDS),
        }
        connection = await self._link.ready()
        await connection.publish(self._next, json.dumps(request).encode(), reply=self._inbox)
        self._asked += wanted

    def _raise_ended(self) -> None:
        if self._link.denied(self._next):
            raise ApiError(403, 0, f'permissions violation for publish to "{self._next}"')
        if self._ended is not None:
            fault, self._ended = self._ended, None
            self._connection = None  # look for stream and consumer again
            raise fault

    def _news(self) -> None:
        # a lost connection has lost its requests; they are made again when it is back
        self._asked = 0
        self._stirred.set()

    async def _arrived(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status")
        if status is not None and not message.reply.startswith("$JS.ACK."):
            self._told(status, (message.headers or {}).get("Description", ""))
            return
        self._asked = max(self._asked - 1, 0)
        number, delivery = self._delivery(message)
        if delivery.key and not self._lanes.admit(number, delivery, self._late(delivery.expires)):
            self._watch()
            return
        self._buffer.append(delivery)
        self._stirred.set()

    def _told(self, status: str, words: str) -> None:
        if status == "100":  # a heartbeat
            self._stirred.set()
            return
        self._asked = 0
        lower = words.lower()
        if "deleted" in lower or status == "503":
            self._ended = faults.LostError(words or "nobody answers for the consumer")
        elif status == "409" and "exceeded" in lower:
            self._ended = ApiError(409, 0, words)
        self._stirred.set()

    def _delivery(self, message: Msg) -> tuple[int, clients.Delivery]:
        parts = message.reply.split(".")
        tail = parts[-_TOKENS + 2 :] if len(parts) == _TOKENS else parts[4:]
        stream, _, count, number = tail[:4]
        given = message.headers or {}
        name = headers.text_of(given.get(headers.ID, ""))
        delivery = clients.Delivery(
            token=(message.reply, int(number), key := headers.text_of(given.get(headers.KEY, ""))),
            body=message.data,
            metadata=headers.decoded(given) if given else {},
            topic=message.subject,
            id=name if name and not name.startswith(OURS) else f"{stream}:{number}",
            count=int(count),
            key=key,
            expires=asyncio.get_running_loop().time() + self.ack_wait,
            native=message,
        )
        return int(number), delivery

    async def ack(self, tokens: Sequence[Any]) -> None:
        """Acknowledge; returns when the server has taken it."""
        await self._answer(tokens, b"+ACK")
        for _, number, key in tokens:
            if key:
                following = self._lanes.done(number, key, self._late(self._now() + self.ack_wait))
                self._let_out([following] if following else [])

    async def nack(self, tokens: Sequence[Any], delay: float) -> None:
        """Have them delivered again."""
        wait = b" " + json.dumps({"delay": int(delay * _NANOSECONDS)}).encode() if delay else b""
        await self._answer(tokens, b"-NAK" + wait)
        for _, number, key in tokens:
            if key:
                self._lanes.keep(number, key, self._late(self._now() + delay))

    async def release(self, tokens: Sequence[Any]) -> None:
        """Likewise; JetStream counts it as a delivery."""
        await self.nack(tokens, 0.0)

    async def extend(self, tokens: Sequence[Any]) -> None:
        """Let deadlines begin anew."""
        await self._answer(tokens, b"+WPI")
        for _, number, key in tokens:
            if key:
                self._lanes.keep(number, key, self._late(self._now() + self.ack_wait))

    async def _answer(self, tokens: Sequence[Any], word: bytes) -> None:
        # a consumer takes them in this order, so its answer to the last one speaks for all
        connection = await self._link.ready()
        for reply, _, _ in tokens[:-1]:
            await connection.publish(reply, word)
        answer = await self._link.ask_one(Question(tokens[-1][0], word))
        if isinstance(answer, Exception):
            raise answer

    # --- the order of keys

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _late(self, ends: float) -> float:
        # what comes again may come to us: until then its lane waits
        return ends + self.ack_wait

    def _watch(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.ack_wait / 3, self._look_after)

    def _look_after(self) -> None:
        self._timer = None
        self._let_out(self._lanes.overdue(self._now(), self._late(self._now() + self.ack_wait)))
        if held := self._lanes.held:
            self._extending = asyncio.create_task(self._extend_held(held))
            self._watch()

    async def _extend_held(self, held: list[clients.Delivery]) -> None:
        connection = await self._link.ready()
        for delivery in held:
            await connection.publish(delivery.token[0], b"+WPI")

    def _let_out(self, following: Sequence[clients.Delivery]) -> None:
        for delivery in following:
            delivery.expires = self._now() + self.ack_wait
            self._buffer.append(delivery)
        if following:
            self._stirred.set()
