"""JetStream's own API: JSON requests, JSON answers. nats-py's classes lag behind the server's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from nats.aio.client import Client

__all__ = [
    "ID_BYTES",
    "NOT_FOUND",
    "ApiError",
    "JetStream",
    "accepted",
    "ask",
    "pause",
    "put",
    "store",
]

ANSWER_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 15.0
"""Raft's election takes 4 to 9 s, not configurable: so long JetStream may be "unavailable"."""
PAUSE_SECONDS: Final = 0.1
NOT_FOUND: Final = frozenset((10059, 10014))
"""Error numbers: no such stream, no such consumer."""
_UNAVAILABLE: Final = 503
ID_BYTES: Final = len(b"NATS/1.0\r\nNats-Msg-Id: \r\n\r\n") + 32
"""What :func:`put` adds to a message; a server counts it as part of that."""


class ApiError(Exception):
    """JetStream refused a request.

    Args:
        code: as in HTTP.
        number: NATS's own error number.
        description: one phrase, NATS's words.
    """

    def __init__(self, code: int, number: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.number = number
        self.description = description


async def ask(
    connection: Client,
    subject: str,
    body: Any = None,
    *,
    raw: bytes = b"",
    patience: float = ANSWER_SECONDS,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Send one request and return its JSON answer, whatever it says.

    Args:
        connection: an open connection.
        subject: whom to ask.
        body: sent as JSON; ``None`` = send ``raw``.
        raw: bytes to send.
        patience: seconds to wait for the answer.
        headers: sent with it.

    Raises:
        ApiError: nobody answered in time.
    """
    from nats.errors import Error

    data = raw if body is None else json.dumps(body).encode()
    try:
        answer = await connection.request(subject, data, timeout=patience, headers=headers)
    except (Error, TimeoutError, OSError) as error:
        why = str(error).removeprefix("nats: ") or "no answer"
        raise ApiError(_UNAVAILABLE, 0, why) from error
    found: dict[str, Any] = json.loads(answer.data or b"{}")
    return found


@frozen
class JetStream:
    """JetStream of one account, through one connection.

    Attributes:
        connection: an open connection of a user of that account.
    """

    connection: Client

    async def call(self, verb: str, body: Any = None) -> dict[str, Any]:
        """Ask for ``verb`` (``STREAM.INFO.orders``); while there is no leader, again.

        Raises:
            ApiError: JetStream refused, or was unavailable for longer than an election takes.
        """
        return await _settled(lambda: self._once(verb, body))

    async def _once(self, verb: str, body: Any) -> dict[str, Any]:
        return accepted(await ask(self.connection, f"$JS.API.{verb}", body))

    async def info(self, verb: str) -> dict[str, Any] | None:
        """Return what ``verb`` (``STREAM.INFO.orders``) tells; ``None`` if there is no such thing.

        Raises:
            ApiError: as :meth:`call`.
        """
        try:
            return await self.call(verb)
        except ApiError as error:
            if error.number in NOT_FOUND:
                return None
            raise

    def streams(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what is known of every stream of the account.

        Raises:
            ApiError: as :meth:`call`; also when one of them did not answer for too long.
        """
        return self._all("STREAM.LIST", "streams", _name_of_stream, "STREAM.INFO")

    def consumers(self, stream: str) -> AsyncIterator[dict[str, Any]]:
        """Yield what is known of every consumer of a stream.

        Raises:
            ApiError: as :meth:`streams`.
        """
        verb, info = f"CONSUMER.LIST.{stream}", f"CONSUMER.INFO.{stream}"
        return self._all(verb, "consumers", _name_of_consumer, info)

    async def _all(
        self, verb: str, key: str, name_of: Callable[[dict[str, Any]], str], info: str
    ) -> AsyncIterator[dict[str, Any]]:
        offset = 0
        while True:
            page = await self.call(verb, {"offset": offset})
            found = {name_of(one): one for one in page.get(key) or []}
            # a cluster leaves out of a list, and names, what has no leader at this moment
            silent = [name for name in page.get("missing") or [] if name not in found]
            for one in found.values():
                yield one
            for name in silent:
                yield await self.call(f"{info}.{name}")
            offset += len(found) + len(silent)
            if not (found or silent) or offset >= int(page.get("total", 0)):
                return


def _name_of_stream(info: dict[str, Any]) -> str:
    return str(info["config"]["name"])


def _name_of_consumer(info: dict[str, Any]) -> str:
    return str(info["name"])


async def store(connection: Client, subject: str, data: bytes) -> dict[str, Any]:
    """Publish a message and return where it was stored, if a stream takes its subject.

    Raises:
        ApiError: no stream does, or as :func:`put`.
    """
    named = await JetStream(connection).call("STREAM.NAMES", {"subject": subject})
    if not named.get("streams"):
        raise ApiError(404, 0, "no stream takes this subject")
    return await put(connection, subject, data)


async def put(connection: Client, subject: str, data: bytes) -> dict[str, Any]:
    """Publish a message that a stream takes and return where; while it has no leader, again.

    "No responders" is such a time too: members hear of a new stream one after the other.

    Raises:
        ApiError: it was refused, or unavailable for longer than an election takes.
    """
    import uuid

    # with an id of its own a message is stored once, however often it is sent
    headers = {"Nats-Msg-Id": uuid.uuid4().hex}

    async def once() -> dict[str, Any]:
        return accepted(await ask(connection, subject, raw=data, headers=headers))

    return await _settled(once)


def accepted(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that is no refusal.

    Raises:
        ApiError: it is one.
    """
    fault = answer.get("error")
    if fault:
        description = str(fault.get("description", "refused"))
        raise ApiError(int(fault.get("code", 0)), int(fault.get("err_code", 0)), description)
    return answer


async def _settled(once: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    import asyncio

    end = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while True:
        try:
            return await once()
        except ApiError as error:
            left = end - asyncio.get_running_loop().time()
            if error.code != _UNAVAILABLE or left <= 0:
                raise
            await pause(min(left, PAUSE_SECONDS))


async def pause(seconds: float = PAUSE_SECONDS) -> None:
    """Let a moment pass: nobody is told when an election ends, so the question is asked again."""
    import asyncio

    future = asyncio.get_running_loop().create_future()
    await asyncio.wait((future,), timeout=seconds)
