"""What a listing has not shown any more: when that was noticed, in the order of its key."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
ROUNDS = 3
PLAIN = "buckets.uploads = { versioning = false }\n"
KEEPS = "buckets.uploads = { versioning = true }\n"


def moment(event: dict[str, Any]) -> float:
    """Return the time of an event, seconds since the epoch."""
    return datetime.fromisoformat(event["time"]).timestamp()


def numbers(events: list[dict[str, Any]]) -> list[int]:
    """Return the sequencers of events as numbers."""
    return [int(one["data"]["sequencer"], 16) for one in events]


@pytest.mark.parametrize("engine", ["rclone", "versitygw", "minio"])
def test_came_and_went_again_and_again(told: Any, engine: str) -> None:
    """Each is told, with a number above the one before; what went has the time of the look.

    rclone lets whoever writes choose the time of an object: it is the same each time.
    """
    deleted: list[float] = []

    async def put(s3: Any) -> None:
        about = {"Metadata": {"mtime": "1700000000.25"}} if engine == "rclone" else {}
        await s3.put_object(Bucket="uploads", Key="a", Body=b"1", **about)

    async def delete(s3: Any) -> None:
        deleted.append(time.time())
        await s3.delete_object(Bucket="uploads", Key="a")

    with told(engine, PLAIN, settings=", events-way = 'listing'") as stack:
        for number in range(ROUNDS):
            stack.s3(put)
            stack.until(lambda events, count=2 * number + 1: len(events) >= count)
            stack.s3(delete)
            found = stack.until(lambda events, count=2 * number + 2: len(events) >= count)
    ended = time.time()

    came, went = found[::2], found[1::2]
    assert [one["data"]["action"] for one in found] == ["seen", "gone"] * ROUNDS
    assert numbers(found) == sorted(set(numbers(found)))
    assert not any(one["data"]["late"] for one in found)
    assert [one["data"]["former"] for one in went] == [one["data"]["sequencer"] for one in came]
    assert [one["data"]["noticed"] for one in found] == [False, True] * ROUNDS
    for before, one in zip(deleted, went, strict=True):
        assert before - 0.001 <= moment(one) <= ended
    if engine == "rclone":
        assert {one["time"] for one in came} == {"2023-11-14T22:13:20.250Z"}


@pytest.mark.parametrize("engine", ["versitygw", "minio"])
def test_a_former_version_went(told: Any, engine: str) -> None:
    """It comes after the version that was written later, which is there."""
    began: list[float] = []

    async def write(s3: Any) -> None:
        made = [await s3.put_object(Bucket="uploads", Key="a", Body=body) for body in (b"1", b"22")]
        began.append(time.time())
        await s3.delete_object(Bucket="uploads", Key="a", VersionId=made[0]["VersionId"])

    async def first(s3: Any) -> None:
        await s3.put_object(Bucket="uploads", Key="a", Body=b"")

    with told(engine, KEEPS, settings=", events-way = 'listing'") as stack:
        stack.s3(first)
        stack.until(lambda events: len(events) >= 1)
        stack.stack.ask("kill", names=["files.feed.0"], signal="STOP")
        version = stack.s3(lambda s3: s3.list_object_versions(Bucket="uploads"))["Versions"][0]
        stack.s3(write)
        stack.s3(
            lambda s3: s3.delete_object(Bucket="uploads", Key="a", VersionId=version["VersionId"])
        )
        stack.stack.ask("kill", names=["files.feed.0"], signal="CONT")
        found = stack.until(lambda events: len(events) >= 3)

    assert [one["data"]["action"] for one in found] == ["seen", "seen", "gone"]
    assert found[2]["data"]["version"] == found[0]["data"]["version"]
    assert numbers(found) == sorted(set(numbers(found)))
    assert not any(one["data"]["late"] for one in found)
    assert moment(found[2]) >= began[0] - 0.001
