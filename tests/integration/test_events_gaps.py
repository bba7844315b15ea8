"""Events that an engine has lost, or never had: a listing tells them, once."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from file_stack import BUCKETS
from test_events import patient

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
VERSIONS = "buckets.uploads = { versioning = true }\nbuckets.my-files = {}\n"


def deeds(found: list[dict[str, Any]]) -> Counter[tuple[str, str, str]]:
    """Return how often each thing was told: bucket and key, what was done, by whom it was seen."""
    return Counter((one["subject"], one["data"]["action"], one["data"]["via"]) for one in found)


def queue(stack: Any) -> Path:
    """Return the folder in which MinIO keeps events."""
    return Path(stack.stack._stack.place.state) / "data/files.0/events/minio-nats-BOOTY"


async def silence(s3: Any) -> None:
    """Take away the rule by which MinIO tells of a bucket."""
    await s3.put_bucket_notification_configuration(Bucket="uploads", NotificationConfiguration={})


async def put(s3: Any, *keys: str, body: bytes = b"1", bucket: str = "uploads") -> None:
    """Write objects, one after the other."""
    for key in keys:
        await s3.put_object(Bucket=bucket, Key=key, Body=body)


def test_what_was_not_told_is_found_at_the_start(told: Any) -> None:
    """The rule of a bucket was taken away: the feed finds what it missed, and puts it back."""

    async def unheard(s3: Any) -> None:
        await put(s3, "waiting")
        await silence(s3)
        await put(s3, "lost", "came-and-went")
        await put(s3, "changed", body=b"22")
        await s3.delete_object(Bucket="uploads", Key="removed")
        await s3.delete_object(Bucket="uploads", Key="came-and-went")

    with told("minio") as stack:
        stack.s3(lambda s3: put(s3, "kept", "changed", "removed"))
        stack.until(lambda found: len(found) == 3)
        stack.stack.ask("kill", names=["files.feed.0"], signal="STOP")
        stack.s3(unheard)
        stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")
        stack.until(lambda found: len(found) >= 7)
        stack.s3(lambda s3: put(s3, "after"))
        found = stack.until(lambda found: found[-1]["data"]["key"] == "after" if found else False)

    assert deeds(found) == {
        **{(f"uploads/{key}", "put", "native"): 1 for key in ("kept", "changed", "removed")},
        **{(f"uploads/{key}", "put", "native"): 1 for key in ("waiting", "after")},
        ("uploads/lost", "seen", "listing"): 1,
        ("uploads/changed", "seen", "listing"): 1,
        ("uploads/removed", "gone", "listing"): 1,
    }
    assert not any(one["data"]["late"] for one in found)


def test_versions_that_were_not_told_are_found(told: Any) -> None:
    """Each version is found, and the delete marker; in their order."""

    async def unheard(s3: Any) -> None:
        await silence(s3)
        await put(s3, "doc", body=b"2")
        await put(s3, "doc", body=b"33")
        await s3.delete_object(Bucket="uploads", Key="doc")

    with told("minio", VERSIONS, settings=", events-listing = '1s'") as stack:
        stack.s3(lambda s3: put(s3, "doc"))
        stack.until(lambda found: len(found) == 1)
        stack.stack.ask("kill", names=["files.feed.0"], signal="STOP")
        stack.s3(unheard)
        stack.stack.ask("kill", names=["files.feed.0"], signal="CONT")
        found = stack.until(lambda found: len(found) >= 4)

    assert [(one["data"]["action"], one["data"]["size"], one["data"]["via"]) for one in found] == [
        ("put", 1, "native"),
        ("seen", 1, "listing"),
        ("seen", 2, "listing"),
        ("delete-marker", None, "listing"),
    ]
    assert len({one["data"]["version"] for one in found}) == 4


def test_a_queue_that_was_removed(told: Any) -> None:
    """The folder in which events wait for the bus is gone: what was in it is found, once."""
    keys = [f"k{number:03}" for number in range(40)]

    with told("minio", settings=", events-listing = '1s'") as stack:
        stack.stack.ask("kill", names=["bus"], signal="STOP")
        stack.s3(lambda s3: put(s3, *keys))
        waiting = len(list(queue(stack).glob("*.event")))
        shutil.rmtree(queue(stack))
        stack.stack.ask("kill", names=["bus"], signal="CONT")
        stack.until(lambda found: len(found) >= len(keys))
        ill = stack.stack.health("files.0")["files.0"]
        stack.s3(lambda s3: put(s3, "after"))
        found = stack.until(lambda found: len(found) > len(keys))

    assert waiting >= len(keys) - 1
    assert Counter(one["data"]["key"] for one in found) == dict.fromkeys([*keys, "after"], 1)
    assert found[-1]["data"]["via"] == "listing"
    assert ill["good"] is False
    assert "queue" in ill["reason"]


def test_listing_all_the_time_doubles_nothing(told: Any) -> None:
    """Passes without a pause, while 8 write and bus and feed are killed: each state once."""

    async def write(s3: Any) -> None:
        async def one(number: int) -> None:
            for size in range(1, 13):
                await put(s3, f"k{number}", body=b"x" * size)
            await s3.delete_object(Bucket="uploads", Key=f"k{number}")
            await put(s3, f"k{number}", body=b"y" * 20)

        await asyncio.gather(*map(one, range(8)))

    with told("minio", interval="50ms", settings=", events-listing = '50ms'") as stack:
        stack.s3(write)
        stack.stack.ask("kill", names=["bus"], signal="KILL")
        stack.s3(write)
        stack.stack.ask("wait", names=["bus"], **{"for": "ready"})
        stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")
        stack.s3(write)
        stack.s3(lambda s3: put(s3, "last"))
        found = stack.until(lambda found: len(found) >= 3 * 8 * 14 + 1)

    events = Counter((one["data"]["key"], one["type"], one["data"]["size"]) for one in found)
    wanted = {(f"k{key}", "minio.object.created", size): 3
              for key in range(8) for size in (*range(1, 13), 20)}  # fmt: skip
    wanted |= {(f"k{key}", "minio.object.removed", None): 3 for key in range(8)}
    assert events == {**wanted, ("last", "minio.object.created", 1): 1}
    assert not any(one["data"]["late"] for one in found)


def test_what_was_there_before(told: Any) -> None:
    """Events are turned on for a bucket that holds objects: each is told once."""
    with told("minio", silent=True) as stack:
        stack.s3(lambda s3: put(s3, "old", "older"))
        stack.turn_on()
        stack.s3(lambda s3: put(s3, "new"))
        found = stack.until(lambda found: len(found) >= 3)

    assert deeds(found) == {
        ("uploads/old", "seen", "listing"): 1,
        ("uploads/older", "seen", "listing"): 1,
        ("uploads/new", "put", "native"): 1,
    }


def test_a_bucket_that_nobody_declared(told: Any) -> None:
    """A program makes a bucket: what is in it is found, what comes and goes then is told."""

    async def make(s3: Any) -> None:
        await s3.create_bucket(Bucket="scratch")
        await put(s3, "first", bucket="scratch")

    async def remove(s3: Any) -> None:
        for key in ("first", "second"):
            await s3.delete_object(Bucket="scratch", Key=key)
        await s3.delete_bucket(Bucket="scratch")

    with told("minio") as stack:
        stack.s3(make)
        stack.until(lambda found: len(found) >= 1)
        stack.s3(lambda s3: put(s3, "second", bucket="scratch"))
        found = stack.until(lambda found: len(found) >= 2)
        stack.s3(remove)
        found = stack.until(lambda found: len(found) >= 4)

    assert Counter((one["subject"], one["type"]) for one in found) == {
        (f"scratch/{key}", f"minio.object.{kind}"): 1
        for key in ("first", "second") for kind in ("created", "removed")
    }  # fmt: skip
    assert found[1]["data"]["via"] == "native"


@pytest.mark.parametrize("way", ["nats", "webhook"])
def test_each_server_of_a_cluster_tells(told: Any, way: str) -> None:
    """Four servers have a queue each; one is killed, and what it kept is told when it is back."""

    async def spread(s3: Any, first: int, last: int) -> None:
        keys = (f"k{number:03}" for number in range(first, last))
        await asyncio.gather(*(patient(lambda key=key: put(s3, key)) for key in keys))

    cluster = f"replicas = 4\n{BUCKETS}"
    with told("minio", cluster, settings=f", events-way = '{way}'") as stack:
        stack.s3(lambda s3: spread(s3, 0, 20))
        stack.stack.ask("kill", names=["files.0"], signal="KILL")
        stack.s3(lambda s3: spread(s3, 20, 40))
        found = stack.until(lambda found: len({one["data"]["key"] for one in found}) == 40)

    assert Counter(one["data"]["key"] for one in found) == dict.fromkeys(
        (f"k{number:03}" for number in range(40)), 1
    )
