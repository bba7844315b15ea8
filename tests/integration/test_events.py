"""Changes of files, told on NATS: two providers that know each other by the plan alone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import booty
import nats
import nats.js.errors
import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
PATIENCE = 60.0
COUNT = int(os.environ.get("BOOTY_TEST_PUTS", "300"))
KEYS = ("plain", "a b", "a+b", "100%", "é/ü", "x" * 200 + "/" + "y" * 200)
LISTED = ("rclone", "versitygw")


def lines(engine: str) -> str:
    """Return the lines of a service of an engine; skip where it cannot be had."""
    told = f'use = "minio"\nengine = "{engine}"\nports = {{ api = 0 }}\n'
    if engine == "rclone":
        return told
    found = os.environ.get(f"BOOTY_TEST_{engine.upper()}") or shutil.which(engine)
    if not found:
        pytest.skip(f"{engine} is not here: name it by BOOTY_TEST_{engine.upper()}")
    return f'{told}binary = "{found}"\n'


class Told:
    """A stack with files and a bus, and what it tells."""

    def __init__(self, stack: booty.SyncStack) -> None:
        self.stack = stack

    def s3(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let a coroutine work with the S3 client."""

        async def run() -> Any:
            async with self.stack._stack.client("files") as client:
                return await work(client)

        return self.stack._portal.call(run)

    def bus(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let a coroutine work with the NATS client."""

        async def run() -> Any:
            async with self.stack._stack.client("bus") as client:
                return await work(client)

        return self.stack._portal.call(run)

    def until(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Read the events from the first on until there are enough; return them."""

        async def run() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            async with self.stack._stack.client("bus") as connection:
                try:
                    async with asyncio.timeout(PATIENCE):
                        events = await _subscribed(connection)
                        while not enough(found):
                            with suppress(nats.errors.TimeoutError):
                                message = await events.next_msg(timeout=1.0)
                                event = json.loads(message.data)
                                found.append({**event, "on": message.subject})
                except TimeoutError:
                    pytest.fail(f"only {len(found)} events: {found[-3:]}")
            return found

        return self.stack._portal.call(run)


async def _subscribed(connection: Any) -> Any:
    while True:
        with suppress(nats.js.errors.NotFoundError):  # the stream was removed, and not made yet
            return await connection.jetstream().subscribe("minio.bucket.>", ordered_consumer=True)


@pytest.fixture
def told(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run a stack of an engine that tells its changes, until the block ends."""
    home = tmp_path / "home"
    home.mkdir()
    assert pytestconfig.cache is not None
    (home / "store").symlink_to(pytestconfig.cache.mkdir("booty-store"))
    monkeypatch.setenv("BOOTY_HOME", str(home))

    @contextmanager
    def up(engine: str, more: str = "") -> Iterator[Told]:
        file = tmp_path / "booty.toml"
        file.write_text(
            "[stack]\nformat = 1\nname = 'shop'\n"
            "[services.bus]\nuse = 'nats'\nports = { client = 0, monitor = 0 }\n"
            f"[services.files]\n{lines(engine)}events = 'bus'\nbuckets = ['uploads', 'my-files']\n"
            f"settings = {{ events-interval = '200ms' }}\n{more}"
        )
        with booty.SyncStack.open(file) as stack:
            stack.up()
            yield Told(stack)

    return up


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
