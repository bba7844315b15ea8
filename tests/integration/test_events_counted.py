"""Faults while files are written, counted: none lost, none told twice, the order of a key kept.

Each key is overwritten again and again by a body that is one byte longer, so that the size tells
which write it was. ``BOOTY_TEST_PUTS`` says how many writes there are in all.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from file_stack import PATIENCE

pytestmark = [pytest.mark.real, pytest.mark.timeout(550)]
KEYS = [f"k{number:02}" for number in range(50)]
ROUNDS = int(os.environ.get("BOOTY_TEST_PUTS", "300")) // len(KEYS)
ABREAST = 16
AWAY_SECONDS = 5
LONG = 150.0
"""What a killed reader had taken and not acknowledged comes again after a minute."""
PLAIN = "[services.files.buckets.uploads]\n"
ENGINES = {
    "minio": ("minio", PLAIN),
    "silo": ("silo", PLAIN),
    "versitygw": ("versitygw", PLAIN),
    "versitygw-versions": ("versitygw", f"{PLAIN}versioning = true\n"),
    "rclone": ("rclone", PLAIN),
}
"""Engine and bucket by the name of the case."""
EVERY_WRITE = {"minio", "silo", "versitygw-versions"}
"""Those that tell each write; the others what is there at a look."""
every_engine = pytest.mark.parametrize("name", ENGINES)


class Writer:
    """Writes every key, round after round, 16 at one time; faults come while it goes on.

    Args:
        faults: what happens, in another thread, when so many writes have begun.
    """

    def __init__(self, faults: Mapping[int, Callable[[], None]]) -> None:
        self._faults = dict(faults)
        self._begun = 0
        self.again = 0

    async def write(self, s3: Any) -> None:
        """Write it all; end when the faults have ended too."""
        async with asyncio.TaskGroup() as group:
            for size in range(1, ROUNDS + 1):
                for first in range(0, len(KEYS), ABREAST):
                    self._hurt(group)
                    keys = KEYS[first : first + ABREAST]
                    await asyncio.gather(*(self._put(s3, key, size) for key in keys))
                    self._begun += len(keys)

    def _hurt(self, group: asyncio.TaskGroup) -> None:
        for number in [one for one in self._faults if one <= self._begun]:
            group.create_task(asyncio.to_thread(self._faults.pop(number)))

    async def _put(self, s3: Any, key: str, size: int) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    answer = await s3.put_object(Bucket="uploads", Key=key, Body=b"x" * size)
                except (BotoCoreError, ClientError, OSError):
                    self.again += 1
                else:
                    self.again += answer["ResponseMetadata"]["RetryAttempts"]
                    return


def part(share: float) -> int:
    """Return how many writes are a share of all."""
    return int(ROUNDS * len(KEYS) * share)


def all_told(name: str) -> Callable[[list[dict[str, Any]]], bool]:
    """Return what tells whether each write has been told, or the last of each key."""
    wanted = {(key, size) for key in KEYS for size in range(1, ROUNDS + 1)}
    if name not in EVERY_WRITE:
        wanted = {(key, ROUNDS) for key in KEYS}
    return lambda events: wanted <= {(one["data"]["key"], one["data"]["size"]) for one in events}


def check(name: str, events: list[dict[str, Any]], again: int = 0) -> None:
    """Hold what was told to the counts: none twice, and of each key in order, but what is late.

    Args:
        name: the case.
        events: in the order of the stream; none is missing, see :func:`all_told`.
        again: how often a write was repeated, as nobody had answered; both may have been made.
    """
    assert len({one["id"] for one in events}) == len(events)
    assert {one["type"] for one in events} == {"minio.object.created"}
    for key in KEYS:
        of_key = [one["data"] for one in events if one["data"]["key"] == key]
        sizes = [one["size"] for one in of_key if not one["late"]]
        assert sizes == sorted(sizes), (key, sizes)
    if name in EVERY_WRITE:
        assert len(events) - ROUNDS * len(KEYS) in range(again + 1)


@every_engine
def test_bus_away_for_five_seconds(told: Any, name: str) -> None:
    """The bus is killed in the middle, and comes again after 5 s."""
    engine, bucket = ENGINES[name]
    away: list[float] = []

    def kill() -> None:
        # the first restart is at once, the second waits
        for _ in range(2):
            began, killed = time.monotonic(), pid()
            stack.stack.ask("kill", names=["bus"], signal="KILL")
            while pid() == killed:  # it is ready until its end is known
                stack.stack.ask("wait", names=["bus"], **{"for": "ready"})
            stack.stack.ask("wait", names=["bus"], **{"for": "ready"})
        away.append(time.monotonic() - began)

    def pid() -> int | None:
        (row,) = [one for one in stack.stack.ps() if one["instance"] == "bus.0"]
        return int(row["pid"]) if row["pid"] else None

    backoff = "backoff = { next = '6s', max = '6s' }\n"  # a little less by chance
    with told(engine, bucket, bus=backoff) as stack:
        writer = Writer({part(0.3): kill})
        stack.s3(writer.write)
        events = stack.until(all_told(name), LONG)

    assert away[0] >= AWAY_SECONDS
    check(name, events, writer.again)


@every_engine
def test_feed_killed_again_and_again(told: Any, name: str) -> None:
    """The process that tells is killed five times while it has something to tell."""
    engine, bucket = ENGINES[name]
    with told(engine, bucket) as stack:

        def kill() -> None:
            stack.stack.ask("wait", names=["files.feed.0"], **{"for": "ready"})
            stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")

        writer = Writer({part(share / 6): kill for share in range(1, 6)})
        stack.s3(writer.write)
        events = stack.until(all_told(name), LONG)

    check(name, events, writer.again)


@every_engine
def test_server_killed_with_a_full_queue(told: Any, name: str) -> None:
    """The bus hangs, events pile up, the server is killed and written to while it starts."""
    engine, bucket = ENGINES[name]
    waiting: list[int] = []
    with told(engine, bucket) as stack:
        queue: Path = stack.stack._stack.place.state / "data/files.0/events"

        def hang() -> None:
            stack.stack.ask("kill", names=["bus"], signal="STOP")

        def kill() -> None:
            waiting.append(len(list(queue.rglob("*.event"))))
            stack.stack.ask("kill", names=["files.0"], signal="KILL")

        def go_on() -> None:
            stack.stack.ask("kill", names=["bus"], signal="CONT")

        writer = Writer({0: hang, part(0.6): kill, part(0.9): go_on})
        stack.s3(writer.write)
        events = stack.until(all_told(name), LONG)
        (server,) = [one for one in stack.stack.ps() if one["instance"] == "files.0"]

    assert server["restarts"] > 0
    if engine in {"minio", "silo"}:
        assert waiting[0] >= part(0.5)
    # what was under way is written once more, by the client without a word if it likes
    check(name, events, writer.again + ABREAST)


@pytest.mark.parametrize("name", ["minio", "silo"])
def test_stream_of_the_server_missing(told: Any, name: str) -> None:
    """The stream that the server tells into is removed, written to, and made again by the feed."""

    async def remove(connection: Any) -> None:
        jetstream = connection.jetstream()
        names = [one.config.name for one in await jetstream.streams_info()]
        (raw,) = [name for name in names if name.startswith("minio_raw_")]
        await jetstream.delete_stream(raw)

    engine, bucket = ENGINES[name]
    with told(engine, bucket) as stack:
        stack.stack.ask("kill", names=["files.feed.0"], signal="STOP")
        stack.bus(remove)
        writer = Writer({})
        stack.s3(writer.write)
        stack.stack.ask("kill", names=["files.feed.0"], signal="CONT")
        events = stack.until(all_told(name), LONG)

    check(name, events, writer.again)
