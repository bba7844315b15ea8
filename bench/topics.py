"""Portable topics beside what they are made of: nats-py, and SQLite used by hand."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import booty
from measure import Case
from nats.aio.client import Client

BODY = bytes(1024)
ONE_BY_ONE = 1000
"""Messages of a round that waits for each."""
MANY = 10_000
"""Messages of a round that does not."""
FETCH = 500
Work = Callable[[], Awaitable[None]]


class Bus:
    """A NATS server of a stack, started when it is first needed; a fresh subject each time."""

    def __init__(self, stack: Any) -> None:
        self._stack = stack
        self._numbers = itertools.count()
        self._url = ""

    @property
    def url(self) -> str:
        """Its URL, with a user and a password."""
        if not self._url:
            self._stack.booty("up", "-d")
            said = subprocess.run(
                [*self._stack.command, "env", "--format", "json"],
                cwd=self._stack.root,
                env=self._stack.env,
                capture_output=True,
                check=True,
            )
            self._url = json.loads(said.stdout)["NATS_URL"]
        return self._url

    def subject(self) -> str:
        """A subject that nobody has used."""
        return f"bench{next(self._numbers)}"


async def _took(work: Work) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin


# --- by booty


async def send(url: str) -> float:
    """Seconds of sends, each waited for."""
    async with booty.open_topic(url) as topic:
        await topic.send(BODY)

        async def work() -> None:
            for _ in range(ONE_BY_ONE):
                await topic.send(BODY)

        return await _took(work)


async def send_many(url: str) -> float:
    """Seconds of many sends, waited for together."""
    async with booty.open_topic(url) as topic:
        await topic.send(BODY)
        return await _took(lambda: topic.send_many(BODY for _ in range(MANY)))


async def receive(url: str) -> float:
    """Seconds of receiving many, one by one, each acknowledged; all confirmed at the end."""
    async with booty.open_topic(url) as topic, booty.open_subscription(url) as subscription:
        await topic.send(BODY)
        (await subscription.receive()).ack()
        await topic.send_many(BODY for _ in range(MANY))

        async def work() -> None:
            for _ in range(MANY):
                (await subscription.receive()).ack()
            await subscription.flush()

        return await _took(work)


# --- by nats-py


async def _connected(url: str) -> tuple[Client, Any]:
    connection = Client()
    await connection.connect([url])
    return connection, connection.jetstream()


async def publish(bus: Bus) -> float:
    """As :func:`send`."""
    connection, js = await _connected(bus.url)
    subject = bus.subject()
    await js.add_stream(name=subject, subjects=[subject])

    async def work() -> None:
        for _ in range(ONE_BY_ONE):
            await js.publish(subject, BODY)

    try:
        return await _took(work)
    finally:
        await connection.close()


async def publish_async(bus: Bus) -> float:
    """As :func:`send_many`."""
    connection, js = await _connected(bus.url)
    subject = bus.subject()
    await js.add_stream(name=subject, subjects=[subject])

    async def work() -> None:
        await asyncio.gather(*[await js.publish_async(subject, BODY) for _ in range(MANY)])

    try:
        return await _took(work)
    finally:
        await connection.close()


async def fetch(bus: Bus) -> float:
    """As :func:`receive`; nobody confirms the acknowledgements."""
    connection, js = await _connected(bus.url)
    subject = bus.subject()
    await js.add_stream(name=subject, subjects=[subject])
    await asyncio.gather(*[await js.publish_async(subject, BODY) for _ in range(MANY)])
    subscription = await js.pull_subscribe(subject, "default")

    async def work() -> None:
        for _ in range(MANY // FETCH):
            for message in await subscription.fetch(FETCH):
                await message.ack()
        await connection.flush()

    try:
        return await _took(work)
    finally:
        await connection.close()


# --- by SQLite


@contextmanager
def _table(folder: Path) -> Iterator[sqlite3.Connection]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = full")
    connection.execute("CREATE TABLE message (number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB)")
    try:
        yield connection
    finally:
        connection.close()


def insert(folder: Path, count: int, batch: int) -> float:
    """Seconds of inserting rows, so many in a transaction."""
    with _table(folder) as connection:
        begin = time.perf_counter()
        for _ in range(count // batch):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO message (body) VALUES (?)", [(BODY,)] * batch)
            connection.execute("COMMIT")
        return time.perf_counter() - begin


def take(folder: Path) -> float:
    """Seconds of taking rows out, marked in one transaction and removed in another."""
    with _table(folder) as connection:
        connection.execute("ALTER TABLE message ADD taken REAL")
        connection.executemany("INSERT INTO message (body) VALUES (?)", [(BODY,)] * MANY)
        begin = time.perf_counter()
        for first in range(1, MANY, FETCH):
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute(
                "SELECT number, body FROM message WHERE number >= ? LIMIT ?", (first, FETCH)
            ).fetchall()
            marks = [(1.0, number) for number, _ in rows]
            connection.executemany("UPDATE message SET taken = ? WHERE number = ?", marks)
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
            done = [(number,) for number, _ in rows]
            connection.executemany("DELETE FROM message WHERE number = ?", done)
            connection.execute("COMMIT")
        return time.perf_counter() - begin


def cases(home: Path, make: Callable[[str, str], Any]) -> list[Case]:
    """Portable topics beside nats-py on the same server, and beside SQLite."""
    bus = Bus(make("messages", '[services.bus]\nuse = "nats"\n'))
    numbers = itertools.count()

    def nats(work: Callable[[str], Awaitable[float]]) -> Callable[[], float]:
        return lambda: asyncio.run(_of(work(f"{bus.url}/{bus.subject()}?create=true")))

    def plain(work: Callable[[Bus], Awaitable[float]]) -> Callable[[], float]:
        return lambda: asyncio.run(_of(work(bus)))

    def file(work: Callable[[str], Awaitable[float]]) -> Callable[[], float]:
        return lambda: asyncio.run(_of(work(f"file://{home}/t{next(numbers)}?create=true")))

    own, sqlite = "at most 10 % over", home / "plain"
    return [
        Case("nats://: 1,000 sends of 1 KiB", own, nats(send), plain(publish), "nats-py publish"),
        Case(
            "nats://: 10,000 sends of 1 KiB together",
            own,
            nats(send_many),
            plain(publish_async),
            "nats-py publish_async",
        ),
        Case(
            "nats://: 10,000 received and acknowledged",
            own,
            nats(receive),
            plain(fetch),
            "nats-py fetch(500) and ack",
        ),
        Case(
            "file://: 1,000 sends of 1 KiB",
            "-",
            file(send),
            lambda: insert(sqlite, ONE_BY_ONE, 1),
            "SQLite, one row a transaction",
        ),
        Case(
            "file://: 10,000 sends of 1 KiB together",
            "-",
            file(send_many),
            lambda: insert(sqlite, MANY, 1000),
            "SQLite, 1,000 rows a transaction",
        ),
        Case(
            "file://: 10,000 received and acknowledged",
            "-",
            file(receive),
            lambda: take(sqlite),
            "SQLite, 500 rows a transaction",
        ),
    ]


async def _of(work: Awaitable[float]) -> float:
    return await work
