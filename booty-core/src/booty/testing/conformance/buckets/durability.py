"""What outlives a process, and what must not."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from booty.clients.bucket.opening import open_bucket
from booty.clients.capability import Capability
from booty.clients.errors import ClientError
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.data import noise

DURABLE, MULTIPART, SERVER = Capability.DURABLE, Capability.MULTIPART, Capability.SERVER
MIB = 1 << 20


def url(place: Place) -> str:
    """Return the URL for another process, or skip."""
    found = place.harness.url()
    if found is None:
        pytest.skip("another process cannot open it")
    return found


@asynccontextmanager
async def process(place: Place, *arguments: str) -> AsyncIterator[anyio.abc.Process]:
    """Run :mod:`booty.testing.conformance.process` on the place; kill it at the end."""
    env = {**os.environ, **place.harness.environment()}
    command = [sys.executable, "-m", "booty.testing.conformance.process", url(place), *arguments]
    async with await anyio.open_process(command, env=env, stderr=None) as running:
        try:
            yield running
        finally:
            if running.returncode is None:
                running.kill()
            await running.wait()


async def said(running: anyio.abc.Process) -> bytes:
    """Wait for the next words of a process."""
    assert running.stdout is not None
    return await running.stdout.receive()


async def killed_writer(place: Place, size: int) -> None:
    """Kill a process that has written so many bytes and not closed; look what is left."""
    bucket = await place.bucket()
    async with process(place, "hold", "k", str(size)) as running:
        assert await said(running) == b"written\n"
    assert running.returncode == -9
    assert not await bucket.exists("k")
    if "list" in bucket.capabilities:
        assert [one.key async for one in bucket.list()] == []


@CASES.case("B89", MULTIPART)
async def killed_in_a_large_upload(place: Place) -> None:
    """A process that is killed in a large upload leaves no object, and none in a listing."""
    await killed_writer(place, 100 * MIB)


@CASES.case("B95", DURABLE)
async def another_process_reads(place: Place) -> None:
    """What one process wrote and closed another one reads, with its attributes."""
    bucket = await place.bucket()
    async with process(place, "write", "k", str(MIB)) as running:
        assert await said(running) == b"closed\n"
    direct = open_bucket(url(place))
    async with direct:
        assert await direct.read("k") == noise(MIB)
        if "metadata" in bucket.capabilities:
            assert (await direct.attributes("k")).metadata == {"by": "another process"}


@CASES.case("B96", DURABLE)
async def killed_writer_leaves_nothing(place: Place) -> None:
    """A process that is killed while it writes leaves nothing at all, or nothing for long."""
    await killed_writer(place, 3 * MIB)
    async with open_bucket(url(place)) as bucket:
        await bucket.write("another", b"x")
    assert place.harness.leftovers() == []


@CASES.case("B90", SERVER)
async def server_gone_in_a_read(place: Place) -> None:
    """A read over a restart of the server gives the right bytes or an error, never short data."""
    bucket = await place.bucket()
    data = noise(32 * MIB)
    await bucket.write("k", data)

    try:
        async with bucket.reader("k") as reader:
            first = await reader.read(1000)
            await place.harness.restart()
            found = first + await reader.read()
    except ClientError:
        found = data
    assert found == data
    assert await bucket.read("k") == data


@CASES.case("B105", SERVER)
async def server_gone_in_a_write(place: Place) -> None:
    """A write over a restart of the server makes the whole object or none, and says which."""
    bucket = await place.bucket()
    data = noise(12 * MIB)

    try:
        async with bucket.writer("k") as writer:
            await writer.write(data[: 9 * MIB])
            await place.harness.restart()
            await writer.write(data[9 * MIB :])
    except ClientError:
        assert not await bucket.exists("k")
    else:
        assert await bucket.read("k") == data
