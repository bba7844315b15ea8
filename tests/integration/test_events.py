"""Changes of files, told on NATS: two providers that know each other by the plan alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from file_stack import PATIENCE

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
COUNT = int(os.environ.get("BOOTY_TEST_PUTS", "300"))
KEYS = ("plain", "a b", "a+b", "100%", "é/ü", "x" * 200 + "/" + "y" * 200)


@pytest.mark.parametrize("engine", ["rclone", "versitygw", "minio"])
def test_changes_are_told(told: Any, engine: str) -> None:
    """Every key is told decoded, once, under its bucket: when it comes, changes and goes."""

    async def put(s3: Any) -> None:
        for key in KEYS:
            await s3.put_object(Bucket="uploads", Key=key, Body=b"1")
        await s3.put_object(Bucket="my-files", Key="dotted", Body=b"22")

    async def remove(s3: Any) -> None:
        for key in KEYS:
            await s3.delete_object(Bucket="uploads", Key=key)

    with told(engine) as stack:
        stack.s3(put)
        stack.until(lambda found: len(found) >= len(KEYS) + 1)
        stack.s3(remove)
        found = stack.until(lambda found: len(found) >= 2 * len(KEYS) + 1)
        well = stack.stack.health("files.feed.0")["files.feed.0"]
        stack.stack.ask("kill", names=["bus"], signal="STOP")
        ill = stack.stack.health("files.feed.0")["files.feed.0"]
        stack.stack.ask("kill", names=["bus"], signal="CONT")

    assert well["good"] is True, well
    assert ill["good"] is False
    assert ill["reason"].startswith("the bus does not answer")
    kinds = Counter((one["on"], one["data"]["key"]) for one in found)
    wanted = {("minio.bucket.my-files.created", "dotted"): 1}
    wanted |= {("minio.bucket.uploads.created", key): 1 for key in KEYS}
    wanted |= {("minio.bucket.uploads.removed", key): 1 for key in KEYS}
    assert kinds == wanted
    first = next(one for one in found if one["data"]["key"] == "plain")
    assert first["specversion"] == "1.0"
    assert first["source"] == "booty:shop/files"
    assert first["type"] == "minio.object.created"
    assert first["subject"] == "uploads/plain"
    assert first["data"]["size"] == 1
    assert len(first["data"]["etag"]) == 32


def test_a_stream_that_was_removed_is_made_again(told: Any) -> None:
    """Somebody removes the stream: the next change makes it again, and is in it."""

    async def remove(connection: Any) -> None:
        await connection.jetstream().delete_stream("MINIO_EVENTS")

    with told("rclone") as stack:
        stack.s3(lambda s3: s3.put_object(Bucket="uploads", Key="first", Body=b"1"))
        stack.until(lambda found: len(found) == 1)
        stack.bus(remove)
        stack.s3(lambda s3: s3.put_object(Bucket="uploads", Key="second", Body=b"2"))
        found = stack.until(lambda found: len(found) == 1)

    assert [one["data"]["key"] for one in found] == ["second"]


def test_changes_are_watched(told: Any) -> None:
    """``booty client files watch`` prints what is told of keys that begin so."""
    with told("rclone") as stack:
        words = [sys.executable, "-m", "booty", "client", "files", "watch", "uploads/a", "--json"]
        watching = subprocess.Popen(
            [*words, "--count", "2"],
            cwd=stack.stack._stack.place.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watching.stderr is not None
        assert watching.stderr.readline() == "watching\n"
        for key in ("b", "a/1", "a/2"):
            stack.s3(lambda s3, key=key: s3.put_object(Bucket="uploads", Key=key, Body=b"1"))
        said, _ = watching.communicate(timeout=PATIENCE)

    assert watching.returncode == 0
    assert sorted(json.loads(line)["subject"] for line in said.splitlines()) == [
        "uploads/a/1",
        "uploads/a/2",
    ]


def test_a_server_that_is_killed_with_a_full_queue(told: Any) -> None:
    """The bus hangs, events pile up on disk, the server is killed and written to as it starts."""

    async def put(s3: Any, first: int, last: int) -> None:
        async def one(number: int) -> None:
            await patient(lambda: s3.put_object(Bucket="uploads", Key=f"k{number:04}", Body=b"1"))

        for start in range(first, last, 16):
            await asyncio.gather(*map(one, range(start, min(start + 16, last))))

    with told("minio") as stack:
        stack.stack.ask("kill", names=["bus"], signal="STOP")
        stack.s3(lambda s3: put(s3, 0, COUNT))
        waiting = list((stack.stack._stack.place.state / "data/files.0/events").rglob("*.event"))
        stack.stack.ask("kill", names=["files.0"], signal="KILL")
        stack.s3(lambda s3: put(s3, COUNT, COUNT + 64))
        stack.stack.ask("kill", names=["bus"], signal="CONT")
        found = stack.until(lambda found: len({one["data"]["key"] for one in found}) == COUNT + 64)

    assert len(waiting) >= COUNT - 1
    assert Counter(one["data"]["key"] for one in found) == dict.fromkeys(
        (f"k{number:04}" for number in range(COUNT + 64)), 1
    )


async def patient(work: Callable[[], Awaitable[Any]]) -> None:
    """Do it again until a server that starts lets it be done."""
    from botocore.exceptions import BotoCoreError, ClientError

    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await work()
            except (BotoCoreError, ClientError, OSError):
                continue
            return


@pytest.mark.parametrize("engine", ["rclone", "versitygw", "minio"])
def test_nothing_is_lost_or_doubled(told: Any, engine: str) -> None:
    """Bus, feed and server are killed in the middle of 300 writes: each is told once."""

    async def put(s3: Any, first: int, last: int) -> None:
        for number in range(first, last):
            await s3.put_object(Bucket="uploads", Key=f"k{number:04}", Body=b"%d" % number)

    with told(engine) as stack:
        stack.s3(lambda s3: put(s3, 0, 100))
        stack.stack.ask("kill", names=["bus"], signal="KILL")
        stack.s3(lambda s3: put(s3, 100, 200))
        stack.stack.ask("wait", names=["bus"], **{"for": "ready"})
        stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")
        stack.stack.ask("kill", names=["files.0"], signal="KILL")
        stack.stack.ask("wait", names=["files"], **{"for": "ready"})
        stack.s3(lambda s3: put(s3, 200, COUNT))
        found = stack.until(lambda found: len({one["data"]["key"] for one in found}) >= COUNT)

    keys = [one["data"]["key"] for one in found]
    assert Counter(keys) == dict.fromkeys((f"k{number:04}" for number in range(COUNT)), 1)
