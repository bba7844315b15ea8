"""Where a server tells the feed itself, by HTTP: each event is answered when it is stored."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio.feed.native import said

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp import web

    from booty_provider_minio.feed.teller import Teller

__all__ = ["listening"]

STORED_SECONDS: Final = 5.0
"""How long an event may take to be stored; then the server is asked to come again."""


@asynccontextmanager
async def listening(about: dict[str, Any], teller: Teller) -> AsyncIterator[None]:
    """Listen until the block ends.

    Args:
        about: ``host``, ``port``, the ``token`` that the server shows, and of its ``certificate``
            the files ``cert`` and ``key``; none = plain HTTP.
        teller: who tells.

    Raises:
        OSError: the port is not free.
    """
    from aiohttp import web

    application = web.Application()
    application.router.add_post("/", _answering(teller, f"Bearer {about['token']}".encode()))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        proof = _proof(about["certificate"])
        await web.TCPSite(runner, about["host"], about["port"], ssl_context=proof).start()
        yield
    finally:
        await runner.cleanup()


def _proof(certificate: dict[str, str]) -> ssl.SSLContext | None:
    import ssl

    if not certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate["cert"], certificate["key"])
    return context


def _answering(teller: Teller, wanted: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(shown, wanted):
            return web.Response(status=403)
        changes = said(await request.read())
        try:
            async with asyncio.timeout(STORED_SECONDS):
                await teller.heard(changes)
        except TimeoutError:
            # the server keeps it; as many waiting here as there were attempts would help nobody
            return web.Response(status=503)
        return web.Response(status=204)

    return answer
