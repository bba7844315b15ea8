"""Run the feed: ``python -m booty_provider_minio.feed FILE``."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from booty_provider_minio.feed import disk
from booty_provider_minio.feed.bus import Bus, connected
from booty_provider_minio.feed.choice import Choices
from booty_provider_minio.feed.hook import listening
from booty_provider_minio.feed.keeping import Keeper, Server
from booty_provider_minio.feed.listing import Passes
from booty_provider_minio.feed.native import follow
from booty_provider_minio.feed.queues import Queues
from booty_provider_minio.feed.teller import Teller

if TYPE_CHECKING:
    import sqlite3

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
    async with AsyncExitStack() as stack:
        database = stack.enter_context(disk.opened(about["cursor"]))
        connection = await stack.enter_async_context(connected(about["bus"]))
        bus = Bus(connection, about["source"], about["window"])
        choices = Choices(about["told"])
        teller = Teller(bus, database, about["window"], choices, lists=about["listing"] > 0)
        await bus.streams(about["raw"], about["raw_subject"])
        if about["hook"]:
            await stack.enter_async_context(listening(about["hook"], teller))
        _tell_ready()
        await _remember(database, bus, teller)
        await teller.recover()
        async with asyncio.TaskGroup() as group:
            if about["raw"]:
                group.create_task(follow(bus, about["raw"], about["raw_subject"], teller))
            group.create_task(_keeper(about, bus, teller, database).keep())


async def _remember(database: sqlite3.Connection, bus: Bus, teller: Teller) -> None:
    if not disk.is_empty(database):
        return
    from booty_provider_minio.feed.remembering import remember

    count = await remember(bus, teller)
    if count:
        print(f"feed: {count} changes were told before, as the bus knows", flush=True)  # noqa: T201 - log


def _keeper(
    about: dict[str, Any], bus: Bus, teller: Teller, database: sqlite3.Connection
) -> Keeper:
    queues = Queues(bus, about["queues"], about["raw"])
    passes = Passes(teller, database, queues.quiet, versions=about["versions"])
    return Keeper(
        server=_server(about["server"]),
        passes=passes if about["listing"] else None,
        choices=teller.choices,
        arn=about["arn"],
        interval=about["interval"],
        listing=about["listing"],
    )


def _server(about: dict[str, Any]) -> Server:
    ca = Path(about["ca"]).read_text() if about["ca"] else ""
    return Server(urls=tuple(about["urls"]), key=about["key"], secret=about["secret"], ca=ca)


def _tell_ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b"READY=1", address.replace("@", "\0", 1))


if __name__ == "__main__":
    main()
