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
from urllib.parse import parse_qsl

from nats.errors import Error

from shop.link import STREAM, bus, until_asked_to_end

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

    def latest(self) -> list[dict[str, Any]]:
        """Return the latest orders, the oldest first."""
        return asyncio.run_coroutine_threadsafe(self._read(), self.loop).result(PATIENCE)

    async def _read(self) -> list[dict[str, Any]]:
        stream = self.link.jetstream()
        held = (await stream.stream_info(STREAM)).state
        numbers = range(max(held.first_seq, held.last_seq - SHOWN + 1), held.last_seq + 1)
        return [json.loads((await stream.get_msg(STREAM, one)).data or b"{}") for one in numbers]

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
            up = self.shop.link.is_connected
            self._answer(200 if up else 503, {"bus": "connected" if up else "away"})
        elif self.path in ("/", "/orders"):
            self._show()
        else:
            self._answer(404, {"error": "no such page"})

    def _show(self) -> None:
        try:
            orders = self.shop.latest()
        except (Error, TimeoutError):
            self._answer(503, {"error": "the orders cannot be read: the bus is away"})
            return
        if self.path == "/":
            self._page(orders)
        else:
            self._answer(200, orders)

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
            # a browser is sent back to the page, a program gets the order
            self._answer(303 if "text/html" in self.headers.get("Accept", "") else 201, made)

    def _asked(self) -> tuple[str, int]:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        asked = json.loads(body) if body.startswith("{") else dict(parse_qsl(body))
        return str(asked["item"]), int(asked.get("count", 1))

    def _page(self, orders: list[dict[str, Any]]) -> None:
        rows = "".join(
            f"<tr><td>{html.escape(str(one['count']))}<td>{html.escape(one['item'])}"
            for one in reversed(orders)
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
    """Serve until the program is asked to end."""
    async with bus("orders") as link:
        Handler.shop = Shop(link)
        server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        print(f"orders: http://127.0.0.1:{server.server_port}/")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(server.shutdown)
            server.server_close()


if __name__ == "__main__":
    asyncio.run(until_asked_to_end(serve()))
