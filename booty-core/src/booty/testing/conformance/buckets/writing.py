"""Writing: nothing is seen before it is whole, and nothing is left of what was given up."""

from __future__ import annotations

import gc
import io
import tracemalloc
from collections.abc import Iterator

import anyio
import pytest

from booty.clients.bucket.face import Bucket
from booty.clients.bucket.opening import open_bucket
from booty.clients.capability import Capability
from booty.clients.errors import Code
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails
from booty.testing.conformance.data import ODD, noise

MIB = 1 << 20


@CASES.case("B35")
async def empty_key(place: Place) -> None:
    """The empty key is refused."""
    bucket = await place.bucket()

    with fails(Code.INVALID_ARGUMENT):
        await bucket.write("", b"x")


@CASES.case("B36")
async def nothing_written(place: Place) -> None:
    """A writer that is closed without a write makes an empty object."""
    bucket = await place.bucket()
    async with bucket.writer("k"):
        pass

    assert await bucket.read("k") == b""
    assert (await bucket.attributes("k")).size == 0


@CASES.case("B37")
async def emptied(place: Place) -> None:
    """The same over an object with content empties it."""
    bucket = await place.bucket()
    await bucket.write("k", b"content")
    async with bucket.writer("k"):
        pass

    assert await bucket.read("k") == b""


@CASES.case("B38")
async def malformed_type(place: Place) -> None:
    """A malformed content type is refused, and nothing is stored."""
    bucket = await place.bucket()

    for wrong in ("text", "text/", "/plain", "a b/c", "text/plain; charset", "a/b\r\nx: y"):
        with fails(Code.INVALID_ARGUMENT):
            await bucket.write("k", b"x", content_type=wrong)
    assert not await bucket.exists("k")


@CASES.case("B46")
async def not_seen_before_its_end(place: Place) -> None:
    """What is being written cannot be read."""
    bucket = await place.bucket()

    async with bucket.writer("k") as writer:
        await writer.write(noise(MIB))
        with fails(Code.NOT_FOUND):
            await bucket.read("k")
    assert await bucket.read("k") == noise(MIB)


@CASES.case("B47")
async def old_before_its_end(place: Place) -> None:
    """What is being overwritten is read as it was, then as it is."""
    bucket = await place.bucket()
    await bucket.write("k", b"old")

    data = bytearray(b"new " * 300_000)
    async with bucket.writer("k") as writer:
        await writer.write(data)
        data[:3] = b"bad"  # the caller's buffer is the caller's again
        assert await bucket.read("k") == b"old"
    assert await bucket.read("k") == b"new " * 300_000


async def cancelled(bucket: Bucket, content_type: str = "") -> None:
    """Write a MiB to ``k`` in a scope that is cancelled before the writer's end."""
    with anyio.CancelScope() as scope:
        async with bucket.writer("k", content_type=content_type) as writer:
            await writer.write(noise(MIB))
            scope.cancel()
    assert scope.cancelled_caught
    with fails(Code.FAILED_PRECONDITION):
        await writer.write(b"more")
    with fails(Code.FAILED_PRECONDITION):
        await writer.close()


@CASES.case("B48")
async def cancelled_write(place: Place) -> None:
    """A writer whose scope is cancelled makes no object."""
    bucket = await place.bucket()
    await cancelled(bucket)

    with fails(Code.NOT_FOUND):
        await bucket.read("k")
    assert place.harness.leftovers() == []


@CASES.case("B49")
async def cancelled_overwrite(place: Place) -> None:
    """A writer whose scope is cancelled leaves the object as it was."""
    bucket = await place.bucket()
    await bucket.write("k", b"old")
    await cancelled(bucket)

    assert await bucket.read("k") == b"old"
    assert place.harness.leftovers() == []


@CASES.case("B50")
async def cancelled_with_a_type(place: Place) -> None:
    """The same where the first bytes reach the driver at once."""
    bucket = await place.bucket()
    await cancelled(bucket, "text/plain")
    with fails(Code.NOT_FOUND):
        await bucket.read("k")
    await bucket.write("k", b"old")
    await cancelled(bucket, "text/plain")

    assert await bucket.read("k") == b"old"
    assert place.harness.leftovers() == []


@CASES.case("B51")
async def twenty_at_once(place: Place) -> None:
    """Twenty objects written at once, then read at once, are each intact."""
    bucket = await place.bucket()
    wanted = {f"{number}": noise(4096, number) for number in range(20)}
    found: dict[str, bytes] = {}

    async def read(key: str) -> None:
        found[key] = await bucket.read(key)

    async with anyio.create_task_group() as tasks:
        for key, data in wanted.items():
            tasks.start_soon(bucket.write, key, data)
    async with anyio.create_task_group() as tasks:
        for key in wanted:
            tasks.start_soon(read, key)
    assert found == wanted


class Digest:
    """A sink that remembers how much it was given, and the beginning."""

    def __init__(self) -> None:
        self.size = 0
        self.right = True

    def write(self, data: bytes) -> None:
        """Compare the next bytes with what :func:`stream` gives."""
        at = self.size % MIB
        wanted = (PATTERN * (2 + len(data) // MIB))[at : at + len(data)]
        self.right &= wanted == data
        self.size += len(data)


PATTERN = noise(MIB, 7)


def stream(pieces: int) -> Iterator[bytes]:
    """Give so many MiB, one at a time."""
    for _ in range(pieces):
        yield PATTERN


@CASES.case("B52")
async def streams(place: Place) -> None:
    """A stream goes up and comes down with the same bytes, not all of them in memory."""
    bucket = await place.bucket()
    pieces = 96
    tracemalloc.start()
    try:
        assert await bucket.upload("k", stream(pieces)) == pieces * MIB
        sink = Digest()
        assert await bucket.download("k", sink) == pieces * MIB
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (sink.right, sink.size) == (True, pieces * MIB)
    told = f"{peak / MIB:.0f} MiB for {pieces}: a driver that keeps objects there says in_memory"
    assert place.harness.in_memory or peak < 80 * MIB, told
    buffer = io.BytesIO(b"from a file")
    assert await bucket.upload("f", buffer) == 11
    assert await bucket.read("f") == b"from a file"


@CASES.case("B70")
async def no_utf8(place: Place) -> None:
    """A key that is not valid UTF-8 is refused."""
    bucket = await place.bucket()

    with fails(Code.INVALID_ARGUMENT):
        await bucket.read("a\udc80b")
    with fails(Code.INVALID_ARGUMENT):
        await bucket.write("a\udc80b", b"x")
    with fails(Code.INVALID_ARGUMENT):
        await bucket.delete("a\udc80b")


@CASES.case("B88", Capability.WHOLE)
async def ten_writers(place: Place) -> None:
    """Of ten writers at once one wins, entirely, with its own attributes."""
    bucket = await place.bucket()
    kept = Capability.METADATA in bucket.capabilities
    winner = await _winner(bucket, kept=kept)
    if kept:
        assert (await bucket.attributes("k")).metadata == {"number": str(winner)}


@CASES.case("B109")
async def bytes_of_one_writer(place: Place) -> None:
    """Of ten writers at once the bytes of one are there, entirely."""
    assert await _winner(await place.bucket(), kept=False) in range(10)


async def _winner(bucket: Bucket, *, kept: bool) -> int:
    async def write(number: int) -> None:
        metadata = {"number": str(number)} if kept else None
        await bucket.write("k", noise(50_000, number), metadata=metadata)

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(write, number)
    return [noise(50_000, number) for number in range(10)].index(await bucket.read("k"))


@CASES.case("B94")
async def announced_size(place: Place) -> None:
    """Fewer or more bytes than were announced are refused, and what was there stays."""
    bucket = await place.bucket()
    await bucket.write("k", b"12345", size=5)

    for wrong in (b"1234", b"123456", b""):
        with fails(Code.INVALID_ARGUMENT):
            await bucket.write("k", wrong, size=5)
        with fails(Code.INVALID_ARGUMENT):
            await bucket.write("new", wrong, size=5, content_type="text/plain")
    assert await bucket.read("k") == b"12345"
    assert not await bucket.exists("new")
    assert place.harness.leftovers() == []


@CASES.case("B98")
async def longest_keys(place: Place) -> None:
    """A key may have 1,024 bytes in UTF-8 and no more."""
    bucket = await place.bucket()
    room = 1024 - len(place.prefix)
    await longest(bucket, [f"{'é' * 99}/{'x' * 90}/" * 3 + "y" * (room - 870), "z" * 200])


async def longest(bucket: Bucket, keys: list[str]) -> None:
    """Write and read keys, and refuse longer ones."""
    for key in keys:
        await bucket.write(key, key.encode())
        assert await bucket.read(key) == key.encode()
        with fails(Code.INVALID_ARGUMENT):
            await bucket.write(f"{key}{'z' * 1000}", b"x")
    if "list" in bucket.capabilities:
        assert sorted([one.key async for one in bucket.list()]) == sorted(keys)


@CASES.case("B107", Capability.LONG_PARTS)
async def longest_parts(place: Place) -> None:
    """A key may be one part of 1,024 bytes."""
    bucket = await place.bucket()
    room = 1024 - len(place.prefix)
    await longest(bucket, ["é" * (room // 2), "y" * room])


@CASES.case("B101")
async def uneven_pieces(place: Place) -> None:
    """Twenty MiB in pieces of every size arrive as they were sent."""
    bucket = await place.bucket()
    data = noise(20 * MIB + 7)
    async with bucket.writer("k") as writer:
        at, size = 0, 1
        while at < len(data):
            await writer.write(memoryview(data)[at : at + size])
            at, size = at + size, size * 3 + 1

    assert (await bucket.attributes("k")).size == len(data)
    assert await bucket.read("k") == data


@CASES.case("B102")
async def failed_source(place: Place) -> None:
    """A stream that breaks in the middle of an upload leaves nothing."""
    bucket = await place.bucket()

    def broken() -> Iterator[bytes]:
        yield noise(MIB)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await bucket.upload("k", broken())
    assert not await bucket.exists("k")
    assert place.harness.leftovers() == []


@CASES.case("B108")
async def abandoned(place: Place) -> None:
    """A writer that nobody ended leaves nothing once the bucket is closed."""
    bucket = await place.bucket()
    await bucket.write("k", b"old")
    writer = bucket.writer("k", content_type="text/plain")
    await writer.write(noise(20 * MIB))
    del writer
    gc.collect()
    await bucket.close()

    assert place.harness.leftovers() == []
    if (url := place.harness.url()) is not None:
        async with open_bucket(url) as again:
            assert await again.read(f"{place.prefix}k") == b"old"


@CASES.case("B71")
async def odd_keys(place: Place) -> None:
    """Each of the 18 odd keys is written, read, told about, signed, copied and deleted as it is."""
    bucket = await place.bucket()

    for key in ODD.values():
        await bucket.write(key, key.encode())
        assert await bucket.read(key) == key.encode()
        assert (await bucket.attributes(key)).size == len(key.encode())
        if "presign" in bucket.capabilities:
            url = await bucket.signed_url(key)
            assert (await place.harness.send("GET", url)).content == key.encode()
        if "copy" in bucket.capabilities:
            await bucket.copy(key, f"copy of {key}")
            assert await bucket.read(f"copy of {key}") == key.encode()
    for key in ODD.values():
        await bucket.delete(key)
        assert not await bucket.exists(key)
