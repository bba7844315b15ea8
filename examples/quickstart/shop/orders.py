"""Takes orders over HTTP and publishes them to the stream; shows them on a page.

``POST /orders`` with JSON ``{"item": "coffee", "count": 2}`` is answered when the stream has the
order; ``GET /orders`` lists them, ``GET /`` shows them, ``GET /healthz`` says whether the bus is
there.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from nats.errors import Error

from shop.link import bus, until_asked_to_end

if TYPE_CHECKING:
    from nats.aio.client import Client

PATIENCE = 5.0
SHOWN = 50
PAGE = """<!doctype html><meta charset="utf-8"><title>shop</title>
<style>body{{font:16px sans-serif;max-width:40em;margin:3em auto}}td{{padding:.2em 1em}}</style>
<h1>Orders</h1><form method="post" action="/orders">
<input name="item" placeholder="coffee" required>
<input name="count" type="number" value="1" min="1"> <button>order</button></form>
<table>{rows}</table>"""


class Shop:
    """What the HTTP threads may ask: the event loop and the bus live elsewhere."""

    def __init__(self, link: Client) -> None:
        self.link = link
        self.loop = asyncio.get_running_loop()
        self.known: list[dict[str, Any]] = []

    async def follow(self) -> None:
        """Keep what the stream holds, from its first order on."""
        messages = await self.link.jetstream().subscribe("orders.>", ordered_consumer=True)
        async for message in messages.messages:
            self.known.append(json.loads(message.data))

    def order(self, item: str, count: int) -> dict[str, Any]:
        """Publish an order; returns when the stream has acknowledged it."""
        made = {"id": uuid.uuid4().hex, "item": item, "count": count}
        asyncio.run_coroutine_threadsafe(self._publish(made), self.loop).result(PATIENCE)
        return made

    async def _publish(self, made: dict[str, Any]) -> None:
        # the id makes a second try harmless: the stream takes each id once
        await self.link.jetstream().publish(
            "orders.new",
            json.dumps(made).encode(),
            headers={"Nats-Msg-Id": made["id"]},
            timeout=PATIENCE,
        )


class Handler(BaseHTTPRequestHandler):
    """One request."""

    shop: Shop

    def do_GET(self) -> None:
        """Answer with the page, the list, or the health."""
        if self.path == "/healthz":
            self._answer(200 if self.shop.link.is_connected else 503, {"ok": True})
        elif self.path == "/orders":
            self._answer(200, self.shop.known)
        elif self.path == "/":
            self._page()
        else:
            self._answer(404, {"error": "no such page"})

    def do_POST(self) -> None:
        """Take an order, as JSON or from the page's form."""
        try:
            item, count = self._asked()
            made = self.shop.order(item, count)
        except (ValueError, KeyError, TypeError):
            self._answer(400, {"error": 'an order looks like {"item": "coffee", "count": 2}'})
        except (Error, TimeoutError):
            self._answer(503, {"error": "the order was not taken: the bus is away"})
        else:
            print(f"orders: took {made['count']} {made['item']}")
            self._answer(303 if self._is_form() else 201, made)

    def _is_form(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("application/x-www-form")

    def _asked(self) -> tuple[str, int]:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if self._is_form():
            from urllib.parse import parse_qsl

            asked = dict(parse_qsl(body))
        else:
            asked = json.loads(body)
        return str(asked["item"]), int(asked.get("count", 1))

    def _page(self) -> None:
        rows = "".join(
            f"<tr><td>{html.escape(str(one['count']))}<td>{html.escape(one['item'])}"
            for one in reversed(self.shop.known[-SHOWN:])
        )
        self._send(200, "text/html; charset=utf-8", PAGE.format(rows=rows).encode())

    def _answer(self, status: int, data: Any) -> None:
        self._send(status, "application/json", json.dumps(data).encode() + b"\n")

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 303:
            self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing of each request: a readiness probe asks often."""


async def serve() -> None:
    """Serve, and follow the stream."""
    async with bus("orders") as link:
        Handler.shop = Shop(link)
        server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"orders: http://127.0.0.1:{server.server_port}/")
        try:
            await Handler.shop.follow()
        finally:
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    asyncio.run(until_asked_to_end(serve()))
