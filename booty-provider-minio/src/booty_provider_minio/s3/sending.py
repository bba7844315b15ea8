"""HTTP of aiobotocore, with an end to uploads of which a server takes no more."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.httpchecksum import AioAwsChunkedWrapper
from aiobotocore.httpsession import AIOHTTPSession
from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Sending", "trusting"]

_SMALL: Final = 1 << 16
"""Bytes of a body that the system takes at once, whoever is at the other end."""
_PIECE: Final = 1 << 18
_EXPECT: Final = "Expect"


class Sending(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
    """A session whose bodies are given up when nobody takes them.

    aiohttp counts the silence of a server from the end of a request on. A server that takes no
    more of a body, or that never says that it wants one (``100 Continue``), would be waited for
    without end. Here each piece must be taken in the time for silence, and a connection's. What
    lies in memory is handed over as it is, without a trip to a thread for each 64 KiB; a small
    body goes along with its request, and does not wait until it is wanted.

    Args:
        timeout: seconds for a connection, and of silence.
        options: see the base.
    """

    def __init__(self, *, timeout: tuple[float, float], **options: Any) -> None:
        super().__init__(timeout=timeout, **options)
        self._patience = sum(timeout)

    async def send(self, request: Any) -> Any:
        """Send a request; returns the answer.

        Raises:
            ReadTimeoutError: nothing of the body was taken for too long.
        """
        body = request.body
        if not isinstance(body, io.BytesIO | AioAwsChunkedWrapper):
            return await super().send(request)
        try:
            async with asyncio.timeout(self._patience) as limit:
                await self._prepare(request, body, limit)
                return await super().send(request)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        finally:
            request.body = body  # another attempt begins with it

    async def _prepare(self, request: Any, body: Any, limit: asyncio.Timeout) -> None:
        if int(request.headers.get("Content-Length", _SMALL + 1)) > _SMALL:
            request.body = self._pieces(body, limit)
            return
        request.headers.pop(_EXPECT, None)
        request.body = await _read(body, -1)
        self._wait_for_answer(limit)

    def _wait_for_answer(self, limit: asyncio.Timeout) -> None:
        # aiohttp counts from the end of the request on, and stops counting at a "100 Continue"
        limit.reschedule(asyncio.get_running_loop().time() + 2 * self._patience)

    async def _pieces(self, body: Any, limit: asyncio.Timeout) -> AsyncIterator[bytes | memoryview]:
        clock = asyncio.get_running_loop().time
        if isinstance(body, io.BytesIO):
            whole = memoryview(body.read())
            for at in range(0, len(whole), _PIECE):
                yield whole[at : at + _PIECE]
                limit.reschedule(clock() + self._patience)
        else:
            while piece := await _read(body, _PIECE):
                yield piece
                limit.reschedule(clock() + self._patience)
        self._wait_for_answer(limit)


def trusting(ca: str) -> type[Sending]:
    """Return sessions that trust an authority, too.

    Args:
        ca: PEM.
    """

    class Trusting(Sending):
        def _get_ssl_context(self) -> Any:
            context = super()._get_ssl_context()
            context.load_verify_locations(cadata=ca)
            return context

    return Trusting


async def _read(body: Any, size: int) -> bytes:
    found = body.read(size)
    data: bytes = found if isinstance(found, bytes) else await found
    return data
