"""Reading an object: as a stream, from any place."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Self

from attrs import frozen

from booty.clients.bucket.session import Hook, Session
from booty.clients.errors import FailedPreconditionError, InvalidArgumentError, UnknownError

if TYPE_CHECKING:
    from types import TracebackType

    from booty.clients.bucket.driver import ObjectReader
    from booty.clients.bucket.nouns import Attributes, Before

__all__ = ["Reader", "Span"]


@frozen
class Span:
    """Which bytes of an object: ``length`` of ``None`` means to the end."""

    offset: int = 0
    length: int | None = None

    def bytes_of(self, size: int) -> int:
        """Return how many bytes that is of an object of this size."""
        rest = max(0, size - self.offset)
        return rest if self.length is None else min(rest, self.length)


class Reader:
    """A stream of an object's bytes; made by :meth:`Bucket.reader`.

    It is opened by ``async with`` or by its first call. Where the object is replaced while it is
    read, the bytes are those of the one that was opened, or there is an error: never a mixture.
    """

    def __init__(self, session: Session, key: str, span: Span, before: Before | None) -> None:
        self._session = session
        self._key = key
        self._span = span
        self._hook = Hook(before)
        self._attributes: Attributes | None = None
        self._stream: ObjectReader | None = None
        self._at = 0
        self._left = b""
        self._closed = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def attributes(self) -> Attributes:
        """What is known about the object; metadata may be missing.

        Raises:
            FailedPreconditionError: the reader was not opened yet.
        """
        if self._attributes is None:
            told = f'cannot tell the attributes of "{self._key}": not opened yet'
            raise FailedPreconditionError(told, reference="reader-not-open", subject=self._key)
        return self._attributes

    @property
    def size(self) -> int:
        """Bytes of the whole object."""
        return self.attributes.size

    @property
    def length(self) -> int:
        """Bytes that this reader gives from its beginning to its end."""
        return self._span.bytes_of(self.size)

    async def open(self) -> None:
        """Open the object; nothing if it is open."""
        if self._attributes is None or self._closed:
            await self._reopen()

    async def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Args:
            size: how many; negative for all that are left.

        Returns:
            Exactly ``size`` bytes, fewer at the end, none behind it.

        Raises:
            NotFoundError: there is no such object.
            UnknownError: the bytes ended before the object did.
        """
        parts = [self._take(size)]
        got = len(parts[0])
        while size < 0 or got < size:
            data = await self.receive()
            if not data:
                break
            self._give_back(data)
            parts.append(self._take(size - got if size >= 0 else size))
            got += len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def receive(self) -> bytes:
        """Return the bytes that come next, as they come; none at the end."""
        if self._attributes is None or self._closed:  # as open, without a call for each piece
            await self._reopen()
        if self._left:
            return self._take(-1)
        if self._at >= self.length:
            return b""
        data = await self._received()
        self._at += len(data)
        return data

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give all that is left, in pieces as they come."""
        return self._pieces()

    async def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place; costs nothing before the next read.

        Args:
            offset: bytes from the place that ``whence`` names.
            whence: ``io.SEEK_SET`` (the reader's beginning), ``SEEK_CUR`` or ``SEEK_END``.

        Returns:
            The new place, in bytes from the reader's beginning.

        Raises:
            InvalidArgumentError: it would be before the beginning.
        """
        await self.open()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self.length}[whence]
        if start + offset < 0:
            told = f'cannot seek in "{self._key}" to {start + offset}: before the beginning'
            raise InvalidArgumentError(told, reference="seek-invalid", subject=self._key)
        if start + offset != self.tell():
            await self._leave()
            self._at, self._left = start + offset, b""
        return self.tell()

    def tell(self) -> int:
        """Return the place, in bytes from the reader's beginning."""
        return self._at - len(self._left)

    async def close(self) -> None:
        """Give up the stream; a second time does nothing."""
        self._closed = True
        self._left = b""
        await self._leave()

    def _take(self, size: int) -> bytes:
        cut = len(self._left) if size < 0 else size
        taken, self._left = self._left[:cut], self._left[cut:]
        return taken

    def _give_back(self, data: bytes) -> None:
        self._left = data

    async def _pieces(self) -> AsyncIterator[bytes]:
        while data := await self.receive():
            yield data

    async def _received(self) -> bytes:
        if self._stream is None:
            await self._reopen()
        with self._session.going_on("read", self._key):
            assert self._stream is not None  # noqa: S101 - just opened
            data = await self._stream.receive()
            if not data:
                missing = self.length - self._at
                raise UnknownError(f"{missing} bytes are missing", reference="object-short")
        return data

    async def _reopen(self) -> None:
        if self._closed:
            told = f'cannot read "{self._key}": the reader is closed'
            raise FailedPreconditionError(told, reference="reader-closed", subject=self._key)
        length = None if self._span.length is None else max(0, self._span.length - self._at)
        async with self._session.call("read", self._key, "read", self._hook) as driver:
            place = self._span.offset + self._at
            stream = await driver.read(self._key, place, length, self._hook.before)
            self._stream = stream
            self._same(stream)
        self._attributes = stream.attributes

    def _same(self, stream: ObjectReader) -> None:
        # a second opening, behind a seek, must not give bytes of another object
        known = self._attributes
        if known is not None and known.etag != stream.attributes.etag:
            told = "it was replaced meanwhile"
            raise FailedPreconditionError(told, reference="object-replaced")

    async def _leave(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            import anyio

            with anyio.CancelScope(shield=True):
                await stream.aclose()
