"""Writing an object: nobody sees it before it is whole."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import attrs

from booty.clients.bucket.session import Hook, Session
from booty.clients.bucket.sniff import ENOUGH, sniffed
from booty.clients.calls import calling
from booty.clients.errors import (
    ClientError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)

if TYPE_CHECKING:
    from types import TracebackType

    from booty.clients.bucket.driver import ObjectWriter
    from booty.clients.bucket.nouns import WriteRequest

__all__ = ["Writer"]


class Writer:
    """A stream into an object; made by :meth:`Bucket.writer`.

    ``async with`` closes it, and so makes the object, unless the block was left by an exception or
    a cancellation: then nothing is left behind, and what was there before stays.
    """

    def __init__(self, session: Session, key: str, request: WriteRequest, *, detect: bool) -> None:
        self._session = session
        self._key = key
        self._hook = Hook(request.before)
        self._request = attrs.evolve(request, before=self._hook.before)
        self._waiting: bytearray | None = bytearray() if detect else None
        self._md5 = hashlib.md5(usedforsecurity=False) if request.md5 is not None else None
        self._size = 0
        self._stream: ObjectWriter | None = None
        self._state = "open"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            await self._give_up()
        elif self._state == "open":
            await self.close()

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; they may be changed afterwards.

        Raises:
            FailedPreconditionError: the writer is closed, or failed before.
            ResourceExhaustedError: there is no room.
            ClientError: what else the driver says; nothing was written.
        """
        self._check()
        self._size += len(data)
        self._measure()
        if self._md5 is not None:
            self._md5.update(data)
        if self._waiting is None:
            await self._send(bytes(data))
            return
        self._waiting += data
        if len(self._waiting) >= ENOUGH:
            await self._flush()

    async def close(self) -> None:
        """Make the object, entirely; a second time does nothing.

        Raises:
            FailedPreconditionError: a condition does not hold, or the writer failed before.
            InvalidArgumentError: the bytes are not those of the MD5 or size that was given.
            ClientError: what else the driver says; what was there before stays.
        """
        if self._state == "closed":
            return
        self._check()
        try:
            await self._finish()
        except BaseException:
            await self._give_up()
            raise
        self._state = "closed"

    async def abort(self) -> None:
        """Give up, leaving nothing behind; nothing happens to a writer that is closed.

        Raises:
            ClientError: the driver could not remove what was written; no object was made.
        """
        if self._state == "closed":
            return
        self._state = "aborted"
        self._waiting = None
        stream, self._stream = self._stream, None
        if stream is not None:
            import anyio

            code = self._session.driver.code
            with anyio.CancelScope(shield=True), calling("give up", self._key, code):
                await stream.abort()

    async def _give_up(self) -> None:
        with suppress(Exception):  # what ended the writer is told, not what came on top of it
            await self.abort()

    async def _finish(self) -> None:
        from anyio.lowlevel import checkpoint_if_cancelled

        await checkpoint_if_cancelled()  # a scope that was left must not make an object
        self._whole()
        await self._flush()
        try:
            async with self._session.call("write", self._key, "write", self._hook):
                await self._opened().commit()
        except NotFoundError as error:
            if self._request.if_match is None:
                raise
            raise self._gone(error) from error.__cause__

    def _gone(self, error: ClientError) -> FailedPreconditionError:
        # some answer "not found" where the version to be replaced is gone: the condition failed
        told, native = error.message, error.native
        return FailedPreconditionError(told, subject=self._key, native=native)

    def _check(self) -> None:
        self._session.life.check()
        if self._state != "open":
            told = f'cannot write "{self._key}": the writer is {self._state}'
            raise FailedPreconditionError(told, reference="writer-closed", subject=self._key)

    def _measure(self) -> None:
        if self._request.size is not None and self._size > self._request.size:
            raise self._mismatch(f"more than the {self._request.size} bytes that were announced")

    def _whole(self) -> None:
        if self._request.size is not None and self._size != self._request.size:
            raise self._mismatch(f"{self._size} bytes, {self._request.size} were announced")
        if self._md5 is not None and self._md5.digest() != self._request.md5:
            raise self._mismatch("the MD5 is another one", "checksum-mismatch")

    def _mismatch(self, why: str, reference: str = "length-mismatch") -> InvalidArgumentError:
        told = f'cannot write "{self._key}": {why}'
        return InvalidArgumentError(told, reference=reference, subject=self._key)

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._request = attrs.evolve(self._request, content_type=sniffed(bytes(waiting)))
        await self._send(bytes(waiting or b""))

    async def _send(self, data: bytes) -> None:
        try:
            async with self._session.call("write", self._key, hook=self._hook) as driver:
                if self._stream is None:
                    self._stream = await driver.write(self._key, self._request)
                if data:
                    await self._stream.send(data)
        except BaseException:
            await self._give_up()
            raise

    def _opened(self) -> ObjectWriter:
        assert self._stream is not None  # noqa: S101 - flushed before
        return self._stream
