"""The bytes of an object, over connections that may break."""

from __future__ import annotations

from typing import Any, Final

from booty import clients

from booty_provider_minio.s3.answers import attributes_of
from booty_provider_minio.s3.errors import status_of

__all__ = ["Reader", "opened"]

_PIECE: Final = 1 << 18
_TRIES: Final = 3


class Reader(clients.ObjectReader):
    """A stream that goes on where a connection broke.

    Args:
        client: aiobotocore's.
        request: of the GET, without a range.
        answer: of the first GET; ``None`` if there is nothing to read.
        attributes: of the object.
        at: place of the first byte.
        left: bytes to come.
    """

    def __init__(
        self,
        client: Any,
        request: dict[str, Any],
        answer: Any,
        attributes: clients.Attributes,
        *,
        at: int,
        left: int,
    ) -> None:
        self.attributes = attributes
        self._client = client
        self._request = request
        self._body: Any = None if answer is None else answer["Body"]
        self._at = at
        self._left = left

    async def receive(self) -> bytes:
        """Return the next bytes; none at the end."""
        for attempt in range(_TRIES):
            try:
                return await self._received()
            except Exception:
                await self.aclose()
                if attempt == _TRIES - 1:
                    raise
        return b""

    async def aclose(self) -> None:
        """Give up the connection, unless all of it was read."""
        body, self._body = self._body, None
        if body is not None:
            await body.aclose()

    async def _received(self) -> bytes:
        if not self._left:
            return b""
        if self._body is None:
            await self._go_on()
        data: bytes = await self._body.read(_PIECE)
        if not data:
            message = "the server ended the answer early"
            raise ConnectionError(message)
        self._at += len(data)
        self._left -= len(data)
        return data

    async def _go_on(self) -> None:
        # the same version, or "precondition failed"
        span = f"bytes={self._at}-{self._at + self._left - 1}"
        request = {**self._request, "Range": span, "IfMatch": self.attributes.etag}
        answer = await self._client.get_object(**request)
        self._body = answer["Body"]


async def opened(client: Any, request: dict[str, Any], offset: int, length: int | None) -> Reader:
    """Open an object for reading.

    Args:
        client: aiobotocore's.
        request: of the GET, without a range.
        offset: of the first byte.
        length: bytes; ``None`` for all to the end.
    """
    if length == 0:
        return await _nothing(client, request, offset)
    span = {} if offset == 0 and length is None else {"Range": _range(offset, length)}
    try:
        answer = await client.get_object(**request, **span)
    except Exception as error:
        if status_of(error) != 416:  # noqa: PLR2004 - there is nothing at this place
            raise
        return await _nothing(client, request, offset)
    attributes = attributes_of(answer)
    rest = max(0, attributes.size - offset)
    left = rest if length is None else min(rest, length)
    return Reader(client, request, answer, attributes, at=offset, left=left)


def _range(offset: int, length: int | None) -> str:
    return f"bytes={offset}-" if length is None else f"bytes={offset}-{offset + length - 1}"


async def _nothing(client: Any, request: dict[str, Any], offset: int) -> Reader:
    named = {name: request[name] for name in ("Bucket", "Key")}
    attributes = attributes_of(await client.head_object(**named))
    return Reader(client, request, None, attributes, at=offset, left=0)
