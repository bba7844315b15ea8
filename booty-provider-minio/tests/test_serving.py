"""Real servers of each engine that can be had here, through the front door."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.real
RCLONE = '[services.files]\nuse = "minio"\nengine = "rclone"\nports = { api = 0 }\n'
KEY = "a b/é+%.txt"


def test_buckets_are_made_and_kept(stacks: Any, through: Any) -> None:
    """Declared buckets are there when the stack is ready; what is in them outlasts a restart."""

    async def put(s3: Any) -> None:
        await s3.put_object(Bucket="uploads", Key=KEY, Body=b"kept")

    async def get(s3: Any) -> tuple[list[str], bytes]:
        names = [one["Name"] for one in (await s3.list_buckets())["Buckets"]]
        answer = await s3.get_object(Bucket="uploads", Key=KEY)
        return names, await answer["Body"].read()

    with stacks.up(f'{RCLONE}buckets = ["uploads"]') as stack:
        through(stack, put)
        stack.restart("files")
        names, kept = through(stack, get)
        good = stack.health("files")["files.0"]

    assert "uploads" in names
    assert kept == b"kept"
    assert (good["alive"], good["ready"], good["good"]) == (True, True, True), good
