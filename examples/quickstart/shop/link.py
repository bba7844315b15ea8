"""What both programs need: a connection to the bus, and an end when they are asked for one."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import nats

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from nats.aio.client import Client

STREAM = "orders"


@asynccontextmanager
async def bus(name: str) -> AsyncIterator[Client]:
    """Connect to the bus; the connection comes back by itself after the server was away."""
    servers = os.environ["NATS_URL"].split(",")
    closing = False

    async def lost() -> None:
        if not closing:
            print("the bus is away")

    link = await nats.connect(
        servers,
        name=name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        disconnected_cb=lost,
        error_cb=told,
    )
    try:
        yield link
    finally:
        closing = True
        await link.close()


async def told(error: Exception) -> None:
    """Say what goes wrong with the connection, in one line."""
    print(f"bus: {error or type(error).__name__}")


async def until_asked_to_end(work: Coroutine[None, None, None]) -> None:
    """Do the work until the first TERM or ctrl-C; what the work raises ends the program."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        print("closed")
