"""``file://`` topics: a folder that lasts, and that processes of one machine use at once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from booty.clients.capability import Capability
from booty.clients.errors import Code, InvalidArgumentError, ResourceExhaustedError, code_of
from booty.clients.pubsub import local
from booty.clients.pubsub.bell import Bell
from booty.clients.pubsub.message import Delivery
from booty.clients.pubsub.store import Store
from booty.clients.pubsub.table import Row, Share, put
from booty.clients.pubsub.worker import Worker

if TYPE_CHECKING:
    from booty.clients.location import Location
    from booty.clients.pubsub.message import Outgoing

__all__ = ["subscription", "topic"]

_T = TypeVar("_T")
BATCH: Final = 1000
_CODES: Final = {
    "SQLITE_FULL": Code.RESOURCE_EXHAUSTED,
    "SQLITE_TOOBIG": Code.INVALID_ARGUMENT,
    "SQLITE_NOMEM": Code.RESOURCE_EXHAUSTED,
    "SQLITE_BUSY": Code.RESOURCE_EXHAUSTED,
    "SQLITE_READONLY": Code.PERMISSION_DENIED,
    "SQLITE_PERM": Code.PERMISSION_DENIED,
    "SQLITE_CANTOPEN": Code.PERMISSION_DENIED,
    "SQLITE_IOERR": Code.INTERNAL,
    "SQLITE_CORRUPT": Code.INTERNAL,
    "SQLITE_NOTADB": Code.INTERNAL,
}
"""By the first two words of SQLite's own name of an error."""


class _File:
    capabilities = local.CAPABILITIES | {Capability.DURABLE}
    max_batch = BATCH
    max_ack_batch = BATCH

    def __init__(self, location: Location) -> None:
        given = location.parameters
        self.name, folder = _place(location)
        self.create: bool = given["create"]
        self.store = Store(folder, create=self.create, sync=given["sync"])
        self._worker = Worker(f"booty {self.name}")

    def code(self, error: Exception) -> Code:
        name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        return _CODES.get(name) or code_of(error)

    def retryable(self, error: Exception) -> bool:
        return str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY")

    def native(self) -> tuple[object, ...]:
        return ()

    def start(self, function: Callable[[], _T]) -> asyncio.Future[_T]:
        return self._worker.start(function)

    async def run(self, function: Callable[[], _T]) -> _T:
        return await self.start(function)

    async def close(self) -> None:
        try:
            await self.run(self.store.close)
        finally:
            self._worker.close()


def _place(location: Location) -> tuple[str, str]:
    """Return the topic's name and its folder: ``file:///absolute/NAME``, ``file://./relative/NAME``."""
    folder = location.path.rstrip("/")
    if location.host not in ("", ".", "localhost") or not folder:
        raise InvalidArgumentError(
            f'cannot open "{location.shown}": it names no folder',
            reference="url-invalid",
            subject=location.shown,
            hint="file:///var/lib/shop/orders, or file://./orders for one that is relative",
        )
    place = Path(f".{folder}" if location.host == "." else folder).absolute()
    return place.name, str(place)


class _Topic(_File):
    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._window: float = location.parameters["dedupe_window"]
        self._largest: int = location.parameters["max_payload"]
        self._room: int = location.parameters["max_bytes"]

    async def send(
        self, messages: Sequence[Outgoing], numbers: Sequence[int]
    ) -> Sequence[Exception | None]:
        return await local.send(messages, self._largest, self._stored)

    async def _stored(self, messages: list[Outgoing]) -> None:
        await self.run(partial(self._put, messages))

    def _put(self, messages: list[Outgoing]) -> None:
        with self.store.ringing() as connection:
            if self._room and self.store.used(connection) >= self._room:
                raise ResourceExhaustedError(
                    f"it holds {self._room} bytes that nobody has acknowledged",
                    hint="is somebody receiving? raise max_bytes",
                )
            self.store.save_up()
            put(connection, messages, self._window)


class _Subscription(_File):
    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.durable: str = location.parameters["durable"]
        self.ack_wait: float = location.parameters["ack_wait"]
        self._share: Share | None = None
        self._generation = 0
        self._bell: Bell | None = None
        self._gone: list[Bell] = []
        """Bells of a folder that was removed."""
        self._watched = -1
        self._rung = asyncio.Event()
        self._late: asyncio.Future[tuple[list[Row], float]] | None = None

    async def receive(self, limit: int) -> Sequence[Delivery]:
        while True:
            self._rung.clear()
            rows, patience = await self._taken(limit)
            if rows:
                ends = asyncio.get_running_loop().time() + self.ack_wait
                return [self._delivery(row, ends) for row in rows]
            with anyio.move_on_after(patience):
                await self._rung.wait()

    async def _taken(self, limit: int) -> tuple[list[Row], float]:
        # what was taken when nobody waited any more is not lost: it is the next answer
        if self._late is None:
            self._late = self.start(partial(self.store.thrifty, partial(self._take, limit)))
        try:
            found = await asyncio.shield(self._late)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._late = None
            raise
        self._late = None
        self._listen()
        return found

    def _take(self, limit: int) -> tuple[list[Row], float]:
        # a loss of power makes all that is out come again: who has what need not outlive it
        with self.store.turn(lasting=False) as connection:
            if self._share is not None and self._generation == self.store.generation:
                return self._looked(connection, self._share, limit)
        # whoever waits by another ack_wait hears of this one
        with self.store.ringing() as connection:
            share = Share.of(connection, self.durable, self.ack_wait, create=self.create)
            bell = Bell(self.store.bells)
            found = self._looked(connection, share, limit)
        if self._bell is not None:
            self._gone.append(self._bell)
        self._share, self._bell, self._generation = share, bell, self.store.generation
        return found

    def _looked(
        self, connection: sqlite3.Connection, share: Share, limit: int
    ) -> tuple[list[Row], float]:
        rows = share.take(connection, limit)
        if rows or share.more(connection):
            return rows, 0.0
        return rows, share.next_due(connection)

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for bell in self._gone:
            loop.remove_reader(bell.fd)
            bell.close()
        self._gone.clear()
        if self._bell is not None and self._bell.fd != self._watched:
            self._watched = self._bell.fd
            loop.add_reader(self._watched, self._ring)

    def _ring(self) -> None:
        if self._bell is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched = -1
            self._bell.hush()
            self._listen()
            self._rung.set()

    def _delivery(self, row: Row, ends: float) -> Delivery:
        return Delivery(
            token=row.number,
            body=row.body,
            metadata=json.loads(row.metadata) if row.metadata else {},
            topic=self.name,
            id=row.id or str(row.number),
            count=row.deliveries,
            key=row.key,
            expires=ends,
        )

    async def ack(self, tokens: Sequence[Any]) -> None:
        await self.run(partial(self.store.thrifty, partial(self._done, tokens)))

    def _done(self, tokens: Sequence[int]) -> None:
        share = self._known()
        with self.store.turn() as connection:
            released = share.done(connection, tokens)
        if released:
            with self.store.ringing():
                pass

    async def nack(self, tokens: Sequence[Any], delay: float) -> None:
        await self.run(partial(self._again, tokens, delay))

    async def release(self, tokens: Sequence[Any]) -> None:
        await self.run(partial(self._again, tokens, 0.0, unseen=True))

    async def extend(self, tokens: Sequence[Any]) -> None:
        await self.run(partial(self._again, tokens, self.ack_wait))

    def _again(self, tokens: Sequence[int], wait: float, *, unseen: bool = False) -> None:
        share = self._known()
        with self.store.ringing() as connection:
            share.again(connection, tokens, wait, unseen=unseen)

    def _known(self) -> Share:
        assert self._share is not None  # noqa: S101 - a token comes from a receive
        return self._share

    async def close(self) -> None:
        if self._late is not None and self._share is not None:
            rows, _ = await self._late
            await self.release([row.number for row in rows])
        if self._bell is not None:
            self._listen()
            asyncio.get_running_loop().remove_reader(self._watched)
            self._bell.close()
        await super().close()


def topic(location: Location) -> _Topic:
    """Make the driver of a topic for ``file:///FOLDER/NAME``."""
    return _Topic(location)


def subscription(location: Location) -> _Subscription:
    """Make the driver of a subscription for ``file:///FOLDER/NAME?durable=…``."""
    local.check_end(location)
    return _Subscription(location)
