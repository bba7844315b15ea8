"""Keys of every kind come out of events as they went in, whatever the engine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
LONGEST = "/".join(letter * 204 for letter in "abcde")
KEYS = (
    *("a b", " first", "last ", "a+b", "a + b", "100%", "a%20b", "%2F", "%", "%zz"),
    *("é/ü", "e\u0301", "日本/語", "🎈", "ß" * 100, "\u2028"),
    *("?", "a#b", "a&b=c", "a;b", "@:,$!", "'a\"b'", "<a>", "*", "a[0-9]{x}|^~`", "(a)"),
    *("-rf", "a..b", "a.b", LONGEST),
)
"""The last one is as long as S3 allows, in parts as long as a file system does."""


def test_longest_key() -> None:
    """The longest key is as long as S3 allows."""
    assert len(LONGEST) == 1024
    assert len(set(KEYS)) == len(KEYS)


@pytest.mark.parametrize("engine", ["rclone", "versitygw", "minio", "silo"])
def test_keys_of_every_kind(told: Any, engine: str) -> None:
    """Each key is told as it is, once when it comes, once when it was copied, once when it goes."""

    async def write(s3: Any) -> None:
        for key in KEYS:
            await s3.put_object(Bucket="uploads", Key=key, Body=b"1")
            origin = {"Bucket": "uploads", "Key": key}
            await s3.copy_object(Bucket="my-files", Key=key, CopySource=origin)

    async def remove(s3: Any) -> None:
        for key in KEYS:
            await s3.delete_object(Bucket="uploads", Key=key)

    with told(engine) as stack:
        stack.s3(write)
        stack.until(lambda events: len(events) >= 2 * len(KEYS))
        stack.s3(remove)
        found = stack.until(lambda events: len(events) >= 3 * len(KEYS))

    wanted = {("minio.bucket.uploads.created", key): 1 for key in KEYS}
    wanted |= {("minio.bucket.my-files.created", key): 1 for key in KEYS}
    wanted |= {("minio.bucket.uploads.removed", key): 1 for key in KEYS}
    assert Counter((one["on"], one["data"]["key"]) for one in found) == wanted
    assert all(one["subject"] == f"{one['data']['bucket']}/{one['data']['key']}" for one in found)
