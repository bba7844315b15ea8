"""Consumes orders and writes each down, once, as a line of JSON.

The durable consumer ``writer`` remembers how far it has come. An order is acknowledged after it is
on the disk; one that comes again, because the writer died in between, is known by its number.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from shop.link import STREAM, bus, until_asked_to_end

if TYPE_CHECKING:
    from nats.aio.msg import Msg

BATCH = 50
PATIENCE = 2.0
"""Seconds one request for orders waits; one that was under way when the server died is lost."""


def last_written(path: Path) -> int:
    """Return the stream's number of the last order in the file, 0 for none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return int(json.loads(lines[-1])["number"]) if lines else 0


def write(file: TextIO, messages: list[Msg], last: int) -> int:
    """Append orders that are not written yet, safely; return the last number."""
    for message in messages:
        number = message.metadata.sequence.stream
        if number > last:
            order = {"number": number, **json.loads(message.data)}
            file.write(json.dumps(order) + "\n")
            print(f"writer: wrote down number {number}: {order['count']} {order['item']}")
            last = number
    file.flush()
    os.fsync(file.fileno())
    return last


async def consume(path: Path) -> None:
    """Write down whatever comes."""
    async with bus("writer") as link:
        orders = await link.jetstream().pull_subscribe_bind("writer", STREAM)
        last = last_written(path)
        with path.open("a") as file:
            print(f"writer: waiting for orders after number {last}")
            while True:
                try:
                    messages = await orders.fetch(BATCH, timeout=PATIENCE)
                except TimeoutError:
                    continue  # nobody ordered for a while
                last = write(file, messages, last)
                for message in messages:
                    await message.ack()


if __name__ == "__main__":
    asyncio.run(until_asked_to_end(consume(Path(os.environ["ORDERS_FILE"]))))
