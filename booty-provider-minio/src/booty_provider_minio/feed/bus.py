"""The bus: streams that are there, messages that are stored, for as long as it takes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio.feed.changes import PREFIX, subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from nats.aio.client import Client

    from booty_provider_minio.feed.changes import Change

__all__ = ["STREAM", "Bus", "connected", "there", "waited"]

STREAM: Final = "MINIO_EVENTS"
"""The stream that consumers read; all S3 services of a bus tell into it."""
ACK_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 0.25
ABREAST: Final = 64
"""Keys that are told at one time; the changes of one key follow each other."""
_NANOSECONDS: Final = 1_000_000_000


class Bus:
    """JetStream, with the patience of something that has nothing else to do."""

    def __init__(self, connection: Client, source: str, window: float) -> None:
        self.connection = connection
        self.jetstream = connection.jetstream()
        self.source = source
        self._window = window

    async def streams(self, raw: str = "", raw_subject: str = "") -> None:
        """Make the streams that are not there; those that are stay as they are."""
        wanted = {"name": STREAM, "subjects": [f"{PREFIX}.>"], "storage": "file"}
        await self._stream({**wanted, "duplicate_window": int(self._window * _NANOSECONDS)})
        if raw:
            queue = {"name": raw, "subjects": [raw_subject], "retention": "workqueue"}
            await self._stream({**queue, "storage": "file"})

    async def state(self, stream: str) -> dict[str, Any]:
        """Return the state of a stream, however long the bus is away; empty if it is not there."""
        from nats.errors import Error

        while True:
            try:
                answer = await self._ask(f"$JS.API.STREAM.INFO.{stream}", b"")
            except (Error, OSError, TimeoutError):
                await waited(AGAIN_SECONDS)
            else:
                found: dict[str, Any] = answer.get("state", {})
                return found

    async def _stream(self, wanted: dict[str, Any]) -> None:
        import json

        name = wanted["name"]
        answer = await self._ask(f"$JS.API.STREAM.INFO.{name}", b"")
        if "error" in answer and answer["error"].get("code") == 404:  # noqa: PLR2004 - not found
            body = json.dumps(wanted).encode()
            answer = await self._ask(f"$JS.API.STREAM.CREATE.{name}", body)
        if "error" in answer:
            message = f"stream {name}: {answer['error'].get('description')}"
            raise ConnectionError(message)

    async def _ask(self, verb: str, body: bytes) -> dict[str, Any]:
        import json

        found: dict[str, Any] = json.loads(
            (await self.connection.request(verb, body, timeout=ACK_SECONDS)).data
        )
        return found

    async def tell(self, changes: Iterable[Change]) -> None:
        """Store changes: those of one key in their order, and all before this returns."""
        by_key: dict[tuple[str, str], list[Change]] = {}
        for change in changes:
            by_key.setdefault((change.bucket, change.key), []).append(change)
        waiting = iter(by_key.values())
        async with asyncio.TaskGroup() as group:
            for _ in range(min(ABREAST, len(by_key))):
                group.create_task(self._in_order(waiting))

    async def _in_order(self, waiting: Iterator[list[Change]]) -> None:
        for changes in waiting:
            for change in changes:
                await self._stored(change)

    async def _stored(self, change: Change) -> None:
        from nats.errors import Error

        told = change.id(self.source)
        body, headers = change.event(self.source, told), {"Nats-Msg-Id": told}
        while True:
            try:
                await self.jetstream.publish(
                    subject(change), body, timeout=ACK_SECONDS, headers=headers
                )
            except (Error, OSError, TimeoutError):
                # the bus is away, or the stream is: it is made again when the bus answers
                await self._again()
            else:
                return

    async def _again(self) -> None:
        from nats.errors import Error

        try:
            await self.streams()
        except (Error, OSError, TimeoutError):
            await waited(AGAIN_SECONDS)


async def there(connection: Client) -> bool:
    """Tell whether the stream of events is there."""
    import json

    answer = await connection.request(f"$JS.API.STREAM.INFO.{STREAM}", timeout=ACK_SECONDS)
    return "error" not in json.loads(answer.data)


async def waited(seconds: float) -> None:
    """Let some time pass: nothing tells when what is waited for is there."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    except TimeoutError:
        return


@asynccontextmanager
async def connected(about: dict[str, Any]) -> AsyncIterator[Client]:
    """Connect to the bus, and find it again whenever it was away.

    Args:
        about: ``servers user password ca`` of the bus.
    """
    import ssl

    import nats

    trust = ssl.create_default_context(cafile=about["ca"]) if about["ca"] else None
    connection = await nats.connect(
        about["servers"],
        user=about["user"] or None,
        password=about["password"] or None,
        name="booty feed",
        tls=trust,
        max_reconnect_attempts=-1,
        reconnect_time_wait=AGAIN_SECONDS,
        error_cb=_unheard,
    )
    try:
        yield connection
    finally:
        await connection.close()


async def _unheard(_error: Exception) -> None:
    # every failure is met where it counts, at the publish; nats-py would print a traceback here
    pass
