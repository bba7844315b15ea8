"""Run the feed: ``python -m booty_provider_minio.feed FILE``."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from booty_provider_minio.feed.bus import Bus, connected, waited
from booty_provider_minio.feed.cursor import Cursor
from booty_provider_minio.feed.listing import look
from booty_provider_minio.feed.native import Orders, follow
from booty_provider_minio.session import Refused, Unreachable, opened

__all__ = ["main"]

STOPS: Final = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Tell changes until a signal comes; end with 1 when something is wrong, and begin again."""
    about = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(_run(about))


async def _run(about: dict[str, Any]) -> None:
    stop = asyncio.Event()
    for number in STOPS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = asyncio.create_task(_work(about))
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not work.done():
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return
    work.result()


async def _work(about: dict[str, Any]) -> None:
    async with connected(about["bus"]) as connection:
        bus = Bus(connection, about["source"], about["window"])
        await bus.streams(about["raw"], about["raw_subject"])
        _tell_ready()
        if about["raw"]:
            await follow(bus, about["raw"], about["raw_subject"], Orders())
        else:
            await _listed(about, bus)


async def _listed(about: dict[str, Any], bus: Bus) -> None:
    cursor = Cursor(about["cursor"])
    server = Server(**about["server"])
    try:
        while True:
            try:
                async with opened(server.url, server.key, server.secret) as client:
                    while True:
                        await look(client, bus, cursor, versions=about["versions"])
                        await waited(about["interval"])
            except (Refused, Unreachable) as error:
                print(f"feed: the server does not list: {error}", flush=True)  # noqa: T201 - log
                await waited(about["interval"])
    finally:
        cursor.close()


@frozen(kw_only=True)
class Server:
    """Where objects are, and a key that sees them all."""

    url: str
    key: str
    secret: str


def _tell_ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b"READY=1", address.replace("@", "\0", 1))


if __name__ == "__main__":
    main()
