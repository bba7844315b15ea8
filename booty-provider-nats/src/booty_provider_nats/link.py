"""A connection of a portable client: one inbox for all answers, and news when it is lost."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from attrs import define, field, frozen
from booty import clients

from booty_provider_nats import session
from booty_provider_nats.faults import LostError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

__all__ = ["Address", "Link", "Question"]

ANSWER_SECONDS: Final = 5.0
"""An answer that takes longer is not waited for: the question is asked again."""
PORT: Final = 4222
_LATE: Final = LostError("no answer in time")


@frozen(kw_only=True)
class Address:
    """Where to, and as whom.

    Attributes:
        servers: URLs without credentials.
        user: empty = none.
        password: of the user.
        ca: a file with the authority that signed the servers' certificates; empty = the machine's.
        named: whether the URL named a server; else the environment did.
    """

    servers: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""

    @classmethod
    def of(cls, location: clients.Location) -> Address:
        """Read it from a URL; without a host from ``NATS_URL`` and ``NATS_CA``.

        Raises:
            InvalidArgumentError: neither says where to.
        """
        ca = location.parameters["ca"] or os.environ.get("NATS_CA", "")
        if location.hosts:
            servers = tuple(
                f"{location.scheme}://{_bracketed(host)}:{port or PORT}"
                for host, port in location.hosts
            )
            return cls(servers=servers, user=location.user, password=location.password, ca=ca)
        return cls._of_environment(location, ca)

    @classmethod
    def _of_environment(cls, location: clients.Location, ca: str) -> Address:
        parts = [urlsplit(url.strip()) for url in os.environ.get("NATS_URL", "").split(",")]
        if not parts[0].hostname:
            raise clients.InvalidArgumentError(
                f'cannot open "{location.shown}": neither it nor NATS_URL names a server',
                reference="url-invalid",
                subject=location.shown,
                hint="nats://127.0.0.1:4222/orders, or eval $(booty env --format shell)",
            )
        servers = tuple(
            f"{one.scheme}://{_bracketed(one.hostname or '')}:{one.port or PORT}" for one in parts
        )
        user, password = unquote(parts[0].username or ""), unquote(parts[0].password or "")
        return cls(servers=servers, user=user, password=password, ca=ca)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@frozen
class Question:
    """Something that is published with an inbox for its answer.

    Attributes:
        subject: whom to ask.
        body: what.
        headers: with it.
    """

    subject: str
    body: bytes = b""
    headers: dict[str, str] | None = None


@define(eq=False)
class _Asked:
    """Questions that went out together."""

    answers: list[Msg | Exception | None]
    left: int
    done: asyncio.Future[None]

    def answer(self, at: int, found: Msg | Exception) -> None:
        if self.answers[at] is None:
            self.answers[at] = found
            self.left -= 1
            if not self.left and not self.done.done():
                self.done.set_result(None)


@define(eq=False)
class _Alone:
    """One question."""

    done: asyncio.Future[Msg | Exception]

    def answer(self, at: int, found: Msg | Exception) -> None:
        if not self.done.done():
            self.done.set_result(found)


class Link:
    """One connection, made when it is first needed, found again after the servers were away.

    Args:
        address: where to, and as whom.
        name: for the servers' lists.
    """

    def __init__(self, address: Address, name: str) -> None:
        self.connection: Client | None = None
        self.listeners: list[Callable[[], None]] = []
        """Called whenever the connection was lost or is back."""
        self._address = address
        self._name = name
        self._inbox = ""
        self._numbers = itertools.count()
        self._pending: dict[str, tuple[_Asked | _Alone, int, str]] = {}
        self._connected = asyncio.Event()
        self._denied = ""
        self._closed = False

    async def ready(self) -> Client:
        """Return the connection; while it is being found again, wait.

        Raises:
            nats.errors.Error, OSError, TimeoutError: nobody took the first connection.
        """
        if self._closed:
            raise ConnectionError("it is closed")
        if self.connection is None or self.connection.is_closed:
            self.connection = await self._connect()
        if not self._connected.is_set():
            await self._connected.wait()
        return self.connection

    async def _connect(self) -> Client:
        from nats.aio.client import Client

        connection = Client()
        address = self._address
        secure = address.ca or address.servers[0].startswith("tls:")
        try:
            await session.dial(
                connection,
                list(address.servers),
                name=self._name,
                user=address.user or None,
                password=address.password or None,
                tls=session.trust(cafile=address.ca or None) if secure else None,
                disconnected_cb=self._lost,
                reconnected_cb=self._back,
                closed_cb=self._lost,
                error_cb=self._heard,
            )
            session.stay(connection)
            self._inbox = connection.new_inbox()
            await connection.subscribe(f"{self._inbox}.*", cb=self._answered)
        except BaseException:
            await session.hang_up(connection)
            raise
        self._connected.set()
        return connection

    async def ask_one(self, question: Question) -> Msg | Exception:
        """As :meth:`ask`, for one question; quicker than many for one."""
        connection = await self.ready()
        loop = asyncio.get_running_loop()
        token, future = str(next(self._numbers)), loop.create_future()
        asked = _Alone(future)
        self._pending[token] = (asked, 0, question.subject)
        timer = loop.call_later(ANSWER_SECONDS, asked.answer, 0, _LATE)
        try:
            await self._publish(connection, token, question)
            found: Msg | Exception = await future
        finally:
            timer.cancel()
            self._pending.pop(token, None)
        return found

    async def ask(self, questions: Sequence[Question]) -> list[Msg | Exception]:
        """Publish questions, in this order, and return their answers.

        Raises:
            nats.errors.Error, OSError, TimeoutError: as :meth:`ready`.
        """
        if len(questions) == 1:
            return [await self.ask_one(questions[0])]
        connection = await self.ready()
        count = len(questions)
        future = asyncio.get_running_loop().create_future()
        asked = _Asked([None] * count, count, future)
        tokens = [str(next(self._numbers)) for _ in questions]
        try:
            for at, (token, one) in enumerate(zip(tokens, questions, strict=True)):
                self._pending[token] = (asked, at, one.subject)
                await self._publish(connection, token, one)
            if asked.left:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await asked.done
        except TimeoutError:
            pass
        finally:
            for token in tokens:
                self._pending.pop(token, None)
        return [_LATE if one is None else one for one in asked.answers]

    async def _publish(self, connection: Client, token: str, one: Question) -> None:
        from nats.errors import Error

        reply = f"{self._inbox}.{token}"
        try:
            await connection.publish(one.subject, one.body, reply=reply, headers=one.headers)
        except (Error, ValueError) as error:
            asked, at, _ = self._pending[token]
            asked.answer(at, error)

    async def _answered(self, message: Msg) -> None:
        found = self._pending.pop(message.subject.rpartition(".")[2], None)
        if found is not None:
            asked, at, _ = found
            asked.answer(at, message)

    async def _heard(self, error: Exception) -> None:
        # what is refused to a user is told aside, and nothing else is answered
        text = str(error).lower()
        if "permissions violation" not in text:
            return
        for asked, at, subject in list(self._pending.values()):
            if f'"{subject.lower()}"' in text:
                asked.answer(at, error)
        for listener in self.listeners:
            listener()
        self._denied = text

    def denied(self, subject: str) -> bool:
        """Tell whether the user was refused a subject."""
        return f'"{subject.lower()}"' in self._denied

    async def _lost(self) -> None:
        self._connected.clear()
        if self.connection is not None and self.connection.is_closed:
            self._connected.set()  # nobody looks for it any more: the next call connects anew
        for asked, at, _ in list(self._pending.values()):
            asked.answer(at, LostError("the connection was lost"))
        for listener in self.listeners:
            listener()

    async def _back(self) -> None:
        self._connected.set()
        for listener in self.listeners:
            listener()

    async def flush(self) -> None:
        """Wait until the server has read everything published so far."""
        connection = await self.ready()
        await connection.flush()

    async def close(self) -> None:
        """Let go."""
        self._closed = True
        if self.connection is not None:
            await session.hang_up(self.connection)
