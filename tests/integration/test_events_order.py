"""The order of changes of one key, over the death of a feed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
RAW, STREAM = "minio.raw.shop.files", "minio_raw_shop_files"


async def put(s3: Any, *keys: str) -> None:
    """Write objects, one after the other."""
    for key in keys:
        await s3.put_object(Bucket="uploads", Key=key, Body=b"1")


def record(key: str, sequencer: str) -> bytes:
    """Return a message as MinIO sends it."""
    about = {"key": key, "sequencer": sequencer, "size": 1, "eTag": "00"}
    told = {"eventName": "s3:ObjectCreated:Put", "eventTime": "2026-11-22T20:45:13.158Z"}
    return json.dumps(
        {"Records": [{**told, "s3": {"bucket": {"name": "uploads"}, "object": about}}]}
    ).encode()


def test_late_changes_are_marked_by_the_next_feed(told: Any) -> None:
    """The feed is killed; a change that comes after its successor is marked all the same."""

    async def late(connection: Any) -> None:
        await connection.jetstream().publish(RAW, record("a", "1"))
        await connection.jetstream().publish(RAW, record("b", "1"))

    with told("minio") as stack:
        stack.s3(lambda s3: put(s3, "a"))
        stack.until(lambda found: len(found) == 1)
        stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")
        stack.bus(late)
        found = stack.until(lambda found: len(found) == 3)

    assert sorted((one["data"]["key"], one["data"]["late"]) for one in found) == [
        ("a", False),
        ("a", True),
        ("b", False),
    ]


def test_what_a_killed_feed_has_read_is_told_first(told: Any) -> None:
    """It was read and not acknowledged: the next feed tells it at once, before what came later."""

    async def read(connection: Any) -> int:
        pulled = await connection.jetstream().pull_subscribe_bind("feed", STREAM)
        return len(await pulled.fetch(5, timeout=20))

    with told("minio") as stack:
        stack.s3(lambda s3: put(s3, "first"))
        stack.until(lambda found: len(found) == 1)
        stack.stack.ask("kill", names=["files.feed.0"], signal="STOP")
        stack.s3(lambda s3: put(s3, "a"))
        count = stack.bus(read)
        stack.stack.ask("kill", names=["files.feed.0"], signal="KILL")
        stack.s3(lambda s3: put(s3, "a"))
        begin = time.monotonic()
        found = stack.until(lambda found: len(found) == 3)
        took = time.monotonic() - begin

    assert count == 1
    assert [(one["data"]["key"], one["data"]["late"]) for one in found[1:]] == [("a", False)] * 2
    assert found[1]["data"]["sequencer"] < found[2]["data"]["sequencer"]
    assert took < 30, "it has waited for the server to give it again"
