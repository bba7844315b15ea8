"""What happens on real servers where there is no room, or no server, in the middle of a write."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import booty
import pytest
from aiobotocore.client import AioBaseClient

pytestmark = pytest.mark.real
ALL = pytest.mark.parametrize("engine", ["minio", "silo", "versitygw", "rclone"])
LARGE = 24 << 20


def uploads(url: str) -> list[str]:
    """Return the keys of uploads in parts that nobody ended."""

    async def ask() -> list[str]:
        async with booty.open_bucket(url) as bucket:
            client: Any = bucket.native(AioBaseClient)
            try:
                found = await client.list_multipart_uploads(Bucket="uploads")
            except client.exceptions.NoSuchUpload:  # rclone's way to say that there is none
                return []
            return [one["Key"] for one in found.get("Uploads", [])]

    return anyio.run(ask)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a disk of 32 MiB in memory; skips where nobody may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(argv, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@ALL
@pytest.mark.parametrize("parts", ["64MiB", "5MiB"])
def test_a_disk_that_is_full(stacks: Any, small: Path, engine: str, parts: str) -> None:
    """In one request and in parts it has a code; what was there stays, and fits are taken again."""
    drive = small / "drive"
    drive.mkdir()
    lines = f'settings = {{ paths = ["{drive}"] }}\nbuckets = ["uploads"]\n'
    with stacks.up(engine, lines) as stack:
        url = f"{stack.url('files')}/uploads"
        with booty.SyncBucket.open(f"{url}?part_size={parts}&attempts=1") as bucket:
            bucket.write("k", b"kept", content_type="a/b")
            with pytest.raises(booty.ClientError) as caught:
                bucket.write("k", os.urandom(2 * LARGE), content_type="a/b")
            assert [one.key for one in bucket.list()] == ["k"]
            assert bucket.read("k") == b"kept"
            bucket.write("l", b"fits", content_type="a/b")
            assert bucket.read("l") == b"fits"
        assert uploads(url) == []
    # rclone says no more than that something is wrong in there
    wanted = booty.Code.INTERNAL if engine == "rclone" else booty.Code.RESOURCE_EXHAUSTED
    assert caught.value.code is wanted, caught.value


@pytest.mark.parametrize("engine", ["minio", "silo"])
@pytest.mark.parametrize("parts", ["64MiB", "5MiB"])
def test_a_quota_that_is_reached(stacks: Any, engine: str, parts: str) -> None:
    """What a bucket declares as its most is kept, in one request and in parts."""
    lines = '[services.files.buckets.uploads]\nquota = "4MiB"\n'
    with stacks.up(engine, lines) as stack:
        url = f"{stack.url('files')}/uploads"
        with booty.SyncBucket.open(f"{url}?part_size={parts}") as bucket:
            bucket.write("k", b"kept")
            with pytest.raises(booty.ResourceExhaustedError, match="uota"):
                bucket.write("k", bytes(LARGE))
            assert {one.key: bucket.read(one.key) for one in bucket.list()} == {"k": b"kept"}
        assert uploads(url) == []


@ALL
def test_a_server_that_goes_for_good(stacks: Any, engine: str) -> None:
    """Writes and reads in the middle end with a code; afterwards all is as it was."""

    async def write(bucket: booty.Bucket, stop: Any) -> None:
        async with bucket.writer("k", content_type="a/b") as writer:
            await writer.write(bytes(LARGE))
            await anyio.to_thread.run_sync(stop)
            await writer.write(bytes(LARGE))

    async def read(bucket: booty.Bucket, stop: Any) -> bytes:
        async with bucket.reader("old") as reader:
            begun = await reader.read(1000)
            await anyio.to_thread.run_sync(stop)
            return begun + await reader.read()

    async def run(work: Any, stop: Any) -> Any:
        async with booty.open_bucket(f"{url}?attempts=1&part_size=5MiB") as bucket:
            return await work(bucket, stop)

    old = os.urandom(LARGE)
    with stacks.up(engine, 'buckets = ["uploads"]\n') as stack:
        url = f"{stack.url('files')}/uploads"
        with booty.SyncBucket.open(url) as bucket:
            bucket.write("k", b"kept", content_type="a/b")
            bucket.write("old", old, content_type="a/b")
        for work in (write, read):
            with pytest.raises(booty.ClientError) as caught:
                anyio.run(run, work, lambda: stack.stop("files"))
            # a server that ends may say so to what it was at
            assert caught.value.code in {booty.Code.UNKNOWN, booty.Code.INTERNAL}, caught.value
            stack.up()
        with booty.SyncBucket.open(url) as bucket:
            assert bucket.read("k") == b"kept"
            assert bucket.read("old") == old
            assert [one.key for one in bucket.list()] == ["k", "old"]
