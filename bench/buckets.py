"""Portable buckets beside what they are made of: aiobotocore, and plain calls of the system."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import booty
from anyio.to_thread import run_sync
from measure import Case

SMALL = bytes(1024)
PIECE = bytes(1 << 20)
LARGE = 64
"""MiB of a large object."""
MANY = 100
"""Small objects a round."""
Work = Callable[[Any], Awaitable[None]]


def took(opened: Any, work: Work, before: Work | None = None) -> float:
    """Seconds of some work on what a context manager gives; opening it does not count."""

    async def run() -> float:
        async with opened as found:
            if before is not None:
                await before(found)
            begin = time.perf_counter()
            await work(found)
            return time.perf_counter() - begin

    return anyio.run(run)


async def puts(bucket: booty.Bucket) -> None:
    """Write small objects, one by one."""
    for number in range(MANY):
        await bucket.write(f"k{number}", SMALL, content_type="application/octet-stream")


async def gets(bucket: booty.Bucket) -> None:
    """Read small objects, one by one."""
    for number in range(MANY):
        await bucket.read(f"k{number}")


async def up(bucket: booty.Bucket) -> None:
    """Write a large object."""
    await bucket.upload("large", (PIECE for _ in range(LARGE)))


class Nowhere:
    """A sink that keeps nothing."""

    async def write(self, data: bytes) -> None:
        """Take it."""


async def down(bucket: booty.Bucket) -> None:
    """Read a large object."""
    await bucket.download("large", Nowhere())


class Plain:
    """A folder in the hands of somebody who knows how to keep a file safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, pieces: int = 0) -> None:
        """Write a file beside, put it on the disk, rename it, put the name on the disk."""
        beside = self.folder / f".{name}"
        with beside.open("wb") as file:
            for _ in range(pieces):
                file.write(PIECE)
            file.write(b"" if pieces else SMALL)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(self.folder / name)
        descriptor = os.open(self.folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def get(self, name: str) -> None:
        """Read a file, a MiB at a time."""
        with (self.folder / name).open("rb") as file:
            while file.read(1 << 20):
                pass


@asynccontextmanager
async def plain(folder: Path) -> AsyncIterator[Plain]:
    """Give the folder."""
    yield Plain(folder)


async def plain_puts(found: Plain) -> None:
    """Write small files, each in a thread, as a program with a loop must."""
    for number in range(MANY):
        await run_sync(found.put, f"k{number}")


async def plain_gets(found: Plain) -> None:
    """Read small files, each in a thread."""
    for number in range(MANY):
        await run_sync(found.get, f"k{number}")


async def plain_up(found: Plain) -> None:
    """Write a large file."""
    await run_sync(found.put, "large", LARGE)


async def plain_down(found: Plain) -> None:
    """Read a large file."""
    await run_sync(found.get, "large")


@asynccontextmanager
async def native(url: str) -> AsyncIterator[Any]:
    """Give aiobotocore's own client, as one makes it by hand for such a server."""
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    parts = urlsplit(url)
    made = get_session().create_client(
        "s3",
        endpoint_url=f"http://{parts.hostname}:{parts.port}",
        region_name="us-east-1",
        aws_access_key_id=parts.username,
        aws_secret_access_key=parts.password,
        config=AioConfig(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            response_checksum_validation="when_required",
        ),
    )
    async with made as client:
        yield client


async def native_puts(client: Any) -> None:
    """Put small objects."""
    for number in range(MANY):
        await client.put_object(
            Bucket="bench", Key=f"k{number}", Body=SMALL, ContentType="application/octet-stream"
        )


async def native_gets(client: Any) -> None:
    """Get small objects."""
    for number in range(MANY):
        answer = await client.get_object(Bucket="bench", Key=f"k{number}")
        await answer["Body"].read()


async def native_up(client: Any) -> None:
    """Put a large object in parts, four at a time."""
    named = {"Bucket": "bench", "Key": "large"}
    upload = {**named, "UploadId": (await client.create_multipart_upload(**named))["UploadId"]}
    etags: dict[int, str] = {}
    room = anyio.Semaphore(4)

    async def part(number: int) -> None:
        async with room:
            body = b"".join([PIECE] * 8)
            answer = await client.upload_part(**upload, PartNumber=number, Body=body)
            etags[number] = answer["ETag"]

    async with anyio.create_task_group() as tasks:
        for number in range(1, LARGE // 8 + 1):
            tasks.start_soon(part, number)
    parts = [{"ETag": etag, "PartNumber": number} for number, etag in sorted(etags.items())]
    await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


async def native_down(client: Any) -> None:
    """Get a large object."""
    answer = await client.get_object(Bucket="bench", Key="large")
    async with answer["Body"] as body:
        async for _ in body.iter_chunks(1 << 18):
            pass


def engine() -> str:
    """Return the lines of an engine that is here."""
    for name in ("minio", "versitygw"):
        found = shutil.which(name)
        if found:
            return f'engine = "{name}"\nbinary = "{found}"\n'
    return 'engine = "rclone"\n'


def cases(home: Path, stack: Callable[[str, str], Any]) -> list[Case]:
    """Return the figures of buckets.

    Args:
        home: a folder of the bench.
        stack: makes a stack of a name and a text.
    """
    return [*_files(home), *_objects(home, stack)]


PAIRS: tuple[tuple[str, Work, Work, Work], ...] = (
    (f"{MANY} writes of 1 KiB", puts, native_puts, plain_puts),
    (f"{MANY} reads of 1 KiB", gets, native_gets, plain_gets),
    (f"a write of {LARGE} MiB", up, native_up, plain_up),
    (f"a read of {LARGE} MiB", down, native_down, plain_down),
)


def _files(home: Path) -> list[Case]:
    folder = Path(tempfile.mkdtemp(dir=home))
    url = folder.as_uri()

    def case(name: str, ours: Work, theirs: Work) -> Case:
        return Case(
            f"`file://`: {name}",
            "measured",
            lambda: took(booty.open_bucket(url), ours),
            lambda: took(plain(folder), theirs),
            "plain calls in a thread",
        )

    return [case(name, ours, theirs) for name, ours, _, theirs in PAIRS]


def _objects(home: Path, stack: Callable[[str, str], Any]) -> list[Case]:
    chosen = engine()
    name = chosen.split('"')[1]
    lines = '[services.files]\nuse = "minio"\nbuckets = ["bench"]\nports = { api = 0 }\n'
    files = stack("buckets", lines + chosen)

    def url() -> str:
        if not (files.root / ".booty/state/stack.json").exists():
            files.booty("up", "-d")
        os.environ["BOOTY_HOME"] = str(home / "home")
        with booty.SyncStack.open(files.root / "booty.toml") as opened:
            return f"{opened.url('files')}/bench"

    def case(what: str, ours: Work, theirs: Work) -> Case:
        return Case(
            f"`s3://` on {name}: {what}",
            "at most 1.10x",
            lambda: took(booty.open_bucket(url()), ours),
            lambda: took(native(url()), theirs),
            "aiobotocore",
        )

    return [case(what, ours, theirs) for what, ours, theirs, _ in PAIRS]
