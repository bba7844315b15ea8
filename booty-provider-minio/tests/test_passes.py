"""A pass over buckets: what differs is told once, when nothing is on its way any more."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from booty_provider_minio.feed import disk
from booty_provider_minio.feed.changes import Change
from booty_provider_minio.feed.doubts import Doubt
from booty_provider_minio.feed.listing import Passes
from booty_provider_minio.feed.queues import Queues
from booty_provider_minio.feed.seen import Seen
from booty_provider_minio.feed.teller import Teller

NANO = 1_796_083_353_123_456_789
PUT = Change(
    bucket="b", key="a", kind="created", action="put", time="2026-12-01T00:02:33.123Z",
    sequencer=f"{NANO:X}", etag="00", via="native",
)  # fmt: skip


class Bus:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []
        self.connection = SimpleNamespace(is_connected=True)
        self.left = 0

    async def tell(self, changes: Iterable[Change]) -> None:
        """Store changes."""
        self.told += [(one.key, one.action, one.late) for one in changes]

    async def state(self, _stream: str) -> dict[str, int]:
        """Return a stream that has one message less at each look."""
        self.left -= 1
        return {"messages": max(0, self.left), "first_seq": 10 - self.left, "last_seq": 9}


class S3:
    """A bucket as a listing shows it: keys and what they hold, of one time."""

    def __init__(self, **keys: str) -> None:
        self.keys = keys

    def get_paginator(self, _name: str) -> S3:
        """Return what gives pages."""
        return self

    async def paginate(self, **_about: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield a page for each key."""
        moment = datetime.fromtimestamp(NANO // 10**6 / 1000, UTC)
        for key, etag in self.keys.items():
            yield {"Contents": [{"Key": key, "ETag": etag, "Size": 1, "LastModified": moment}]}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database that is there for one test."""
    with disk.opened(str(tmp_path / "cursor.db")) as opened:
        yield opened


async def at_once() -> None:
    """Nothing is on its way."""


def passing(
    database: sqlite3.Connection, quiet: Callable[[], Awaitable[None]] = at_once
) -> tuple[Bus, Teller, Passes]:
    """Return who tells, and who goes over buckets."""
    bus = Bus()
    teller = Teller(bus, database, 3600, lists=True)  # type: ignore[arg-type] # a stand-in
    return bus, teller, Passes(teller, database, quiet, versions=False)


def test_what_is_on_its_way_is_not_told_twice(database: sqlite3.Connection) -> None:
    """The event of an object comes while the pass waits: it is told as the server told it."""

    async def run() -> list[tuple[str, str, bool]]:
        bus, teller, passes = passing(database, lambda: teller.heard([PUT]))
        await passes.over(S3(a="00", lost="00"), ["b"], whole=True)
        await passes.over(S3(a="00", lost="00"), ["b"], whole=True)
        await teller.heard([PUT, evolve(PUT, key="lost")])
        return bus.told

    assert asyncio.run(run()) == [("a", "put", False), ("lost", "seen", False)]


def test_what_went_meanwhile_is_not_told_to_have_come(database: sqlite3.Connection) -> None:
    """A page shows an object that the server has told to be gone before the pass is settled."""
    gone = evolve(PUT, kind="removed", action="delete", sequencer=f"{NANO + 10**9:X}")

    async def run() -> list[tuple[str, str, bool]]:
        bus, teller, passes = passing(database, lambda: teller.heard([PUT, gone]))
        await passes.over(S3(a="00"), ["b"], whole=True)
        return bus.told

    assert asyncio.run(run()) == [("a", "put", False), ("a", "delete", False)]


def test_objects_of_a_removed_bucket_are_gone(database: sqlite3.Connection) -> None:
    """A bucket that is removed holds nothing; a pass over some buckets says nothing of others."""

    async def run() -> tuple[int, list[tuple[str, str, bool]]]:
        bus, _, passes = passing(database)
        await passes.over(S3(a="00", c="00"), ["b"], whole=True)
        some = await passes.over(S3(), [], whole=False)
        await passes.over(S3(), [], whole=True)
        return some, bus.told

    some, told = asyncio.run(run())
    assert some == 0
    assert told[2:] == [("a", "gone", False), ("c", "gone", False)]


def test_a_process_dies_while_it_tells(database: sqlite3.Connection) -> None:
    """What was about to be told is told by the next one, with the same id; then it is known."""
    seen = Seen(bucket="b", key="a", version="", etag="00", sequencer=f"{NANO // 10**6 * 10**6:X}")

    async def run() -> list[tuple[str, str, bool]]:
        bus, teller, passes = passing(database)
        teller.doubts.add([Doubt(seen), Doubt(evolve(seen, key="not-yet"))])
        teller.doubts.telling([Doubt(seen)])
        await teller.recover()
        await teller.heard([PUT])
        await passes.over(S3(a="00"), ["b"], whole=True)
        return bus.told

    assert asyncio.run(run()) == [("a", "seen", False)]
    assert Doubt(seen).change().id("s") == Doubt(evolve(seen, size=None)).change().id("s")


def test_queues_are_waited_for(tmp_path: Path) -> None:
    """An older file is waited for until it is taken, a newer one is not, then the stream is."""
    older, newer = tmp_path / "older.event", tmp_path / "newer.event"
    for file in (older, newer):
        file.touch()
    os.utime(newer, (2**32, 2**32))
    bus = Bus()
    bus.left = 4
    looks = iter(range(1000))

    def clock() -> float:
        if next(looks) == 2:
            older.unlink()
        return 0.0

    folders = [str(tmp_path), str(tmp_path / "not there")]
    asyncio.run(Queues(bus, folders, "raw", clock=clock).quiet())  # type: ignore[arg-type] # stand-in

    assert not older.exists()
    assert bus.left == 0


@pytest.mark.parametrize("there", [True, False])
def test_a_queue_that_is_stuck(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, there: bool
) -> None:
    """It is given up after a time in which the bus was there, and that is said."""
    (tmp_path / "one.event").touch()
    bus, now = Bus(), [0.0]
    bus.connection.is_connected = there

    def clock() -> float:
        now[0] += 40
        bus.connection.is_connected = there or now[0] > 200
        return now[0]

    asyncio.run(Queues(bus, [str(tmp_path)], "", clock=clock).quiet())  # type: ignore[arg-type] # stand-in

    assert now[0] == (120 if there else 280)
    assert "1 events are stuck" in capsys.readouterr().out
