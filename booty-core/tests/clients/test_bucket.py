"""The portable type beyond the suite: the blocking twin, spans, content types, bad input."""

from __future__ import annotations

import errno
import io
import threading
from collections.abc import Iterator

import anyio
import booty
import pytest
from booty.clients import Attributes, Bucket, ObjectWriter, WriteRequest
from booty.clients.bucket.sniff import sniffed
from booty.clients.memory.bucket import MemoryBucket


@pytest.fixture
def bucket() -> Iterator[booty.SyncBucket]:
    """Give a bucket in memory."""
    with booty.SyncBucket.open("mem://") as found:
        yield found


def test_the_twin_does_the_same(bucket: booty.SyncBucket) -> None:
    """Every method blocks until it is done."""
    bucket.write("a/1", b"one", metadata={"K": "v"})
    with bucket.writer("a/2", content_type="text/plain") as writer:
        writer.write(b"tw")
        writer.write(b"o")
    sink = io.BytesIO()

    assert bucket.upload("b", io.BytesIO(b"three")) == 5
    assert bucket.download("b", sink) == 5
    assert (sink.getvalue(), bucket.read("a/2", offset=1)) == (b"three", b"wo")
    assert [one.key for one in bucket.list(delimiter="/")] == ["a/", "b"]
    assert [one.key for one in bucket.list_page(prefix="a/", size=1).items] == ["a/1"]
    assert bucket.attributes("a/1").metadata == {"k": "v"}
    bucket.copy("a/1", "c")
    bucket.delete("a/1")
    assert (bucket.exists("a/1"), bucket.exists("c"), bucket.accessible()) == (False, True, True)
    assert bucket.prefixed("a/").read("2") == bucket.single("a/2").read("x") == b"two"
    assert repr(bucket) == "<SyncBucket mem://>"


def test_the_twin_reads_as_a_stream(bucket: booty.SyncBucket) -> None:
    """Reads, seeks and iterates like a file."""
    bucket.write("k", b"0123456789")

    with bucket.reader("k", offset=2) as reader:
        assert (reader.read(2), reader.tell(), reader.length, reader.size) == (b"23", 2, 8, 10)
        assert reader.seek(-1, io.SEEK_END) == 7
        assert list(reader) == [b"9"]
        assert isinstance(reader.attributes, Attributes)


class Sticky(MemoryBucket):
    """A driver that cannot give up."""

    async def write(self, key: str, request: WriteRequest) -> ObjectWriter:
        """Return a writer that cannot."""
        writer = await super().write(key, request)

        async def abort() -> None:
            raise PermissionError(errno.EACCES, "no")

        writer.abort = abort  # type: ignore[method-assign]  # that is the fault
        return writer


def test_what_ended_a_writer_is_told_first() -> None:
    """That giving up fails hides neither an error nor a cancellation; alone, it is told."""

    async def main() -> None:
        bucket = Bucket(Sticky(), "sticky://")

        async def broken() -> None:
            async with bucket.writer("k", content_type="a/b") as writer:
                await writer.write(b"x")
                raise LookupError

        with pytest.raises(LookupError):
            await broken()
        with anyio.move_on_after(0.01) as scope:
            async with bucket.writer("k", content_type="a/b") as writer:
                await writer.write(b"x")
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        with pytest.raises(booty.InvalidArgumentError, match="announced"):
            await bucket.write("k", b"x", content_type="a/b", size=2)
        writer = bucket.writer("k", content_type="a/b")
        await writer.write(b"x")
        with pytest.raises(booty.PermissionDeniedError, match='cannot give up "k"'):
            await writer.abort()
        assert not await bucket.exists("k")

    anyio.run(main)


def test_the_twin_leaves_nothing_of_a_failed_block(bucket: booty.SyncBucket) -> None:
    """An exception in the block of a writer makes no object."""
    with pytest.raises(TypeError), bucket.writer("k", content_type="text/plain") as writer:
        writer.write(bytes(1 << 16) + writer)
    assert not bucket.exists("k")


def test_threads_share_a_twin(bucket: booty.SyncBucket) -> None:
    """Many threads may use one bucket at once."""
    threads = [
        threading.Thread(target=bucket.write, args=(f"{number}", bytes(number)))
        for number in range(20)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sum(one.size for one in bucket.list()) == sum(range(20))


def test_a_twin_that_was_closed(bucket: booty.SyncBucket) -> None:
    """It says so, and leaving its block is still fine."""
    bucket.close()

    with pytest.raises(booty.FailedPreconditionError):
        bucket.read("k")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "text/plain; charset=utf-8"),
        (b"\n <!doctype html><p>", "text/html; charset=utf-8"),
        (b"<!-- x", "text/html; charset=utf-8"),
        (b"<pre", "text/plain; charset=utf-8"),
        (b"<?xml version='1.0'?>", "text/xml; charset=utf-8"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wave"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b\x08\0", "application/x-gzip"),
        ("äöü ☺".encode(), "text/plain; charset=utf-8"),
        (b"\0\1\2\3", "application/octet-stream"),
        (b"text" * 128 + b"\0", "text/plain; charset=utf-8"),
    ],
)
def test_content_types_are_told_by_the_first_bytes(data: bytes, kind: str) -> None:
    """As browsers do it: 512 bytes are looked at."""
    assert sniffed(data) == kind


@pytest.mark.parametrize(
    ("options", "reference"),
    [
        ({"md5": b"short"}, "md5-invalid"),
        ({"cache_control": "a\r\nset-cookie: b"}, "header-invalid"),
        ({"content_language": "\udc80"}, "header-invalid"),
        ({"content_type": "nothing"}, "content-type-invalid"),
        ({"metadata": {"a": 1}}, "metadata-invalid"),
        ({"if_not_exist": True, "if_match": '"x"'}, "condition-invalid"),
    ],
)
def test_what_cannot_be_written(
    bucket: booty.SyncBucket, options: dict[str, object], reference: str
) -> None:
    """Refused before the driver is asked."""
    with pytest.raises(booty.InvalidArgumentError) as caught:
        bucket.write("k", b"x", **options)
    assert caught.value.reference == reference
    assert not bucket.exists("k")


def test_everything_wrong_with_metadata_is_told_at_once(bucket: booty.SyncBucket) -> None:
    """Each key that cannot be has its fault."""
    with pytest.raises(booty.InvalidArgumentError) as caught:
        bucket.write("k", b"x", metadata={"": "v", "a": "1", "A": "2", "b": "\udc80"})
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("key", ["", None, 7, b"bytes", "x" * 1025, "é" * 513, "a\ud800"])
def test_keys_that_cannot_be(bucket: booty.SyncBucket, key: str) -> None:
    """Refused by every method that takes one."""
    for call in (
        bucket.read,
        bucket.attributes,
        bucket.delete,
        bucket.single,
        lambda one: bucket.write(one, b""),
        lambda one: bucket.copy(one, "k"),
        lambda one: bucket.copy("k", one),
    ):
        with pytest.raises(booty.InvalidArgumentError):
            call(key)


def test_a_token_of_nobody(bucket: booty.SyncBucket) -> None:
    """A page that no page named is refused."""
    with pytest.raises(booty.InvalidArgumentError):
        bucket.list_page("no token")


def test_sources_and_sinks_of_every_kind() -> None:
    """Iterables and files, blocking or not; an empty piece does not end an upload."""

    class Waits:
        def __init__(self) -> None:
            self.data = [b"ab", b"c", b""]

        async def read(self, size: int) -> bytes:
            return self.data.pop(0)

        async def write(self, data: bytes) -> None:
            self.data.append(data)

    async def pieces() -> Iterator[bytes]:
        for one in (b"a", b"", b"b"):
            yield one

    async def main() -> None:
        async with booty.open_bucket("mem://") as found:
            assert await found.upload("1", Waits()) == 3
            assert await found.upload("2", pieces()) == 2
            assert await found.upload("3", [b"a", b"", b"bc"]) == 3
            assert [await found.read(key) for key in "123"] == [b"abc", b"ab", b"abc"]
            sink = Waits()
            await found.download("1", sink)
            assert sink.data[-1] == b"abc"

    anyio.run(main)


def test_a_bucket_is_opened_once_however_many_ask() -> None:
    """Many first calls at once connect once; a bucket that was never used, never."""
    from booty.clients import Bucket
    from booty.clients.memory.bucket import MemoryBucket

    class Counting(MemoryBucket):
        opened = closed = 0

        async def open(self) -> None:
            await anyio.lowlevel.checkpoint()
            self.opened += 1

        async def close(self) -> None:
            self.closed += 1

    async def main() -> None:
        driver = Counting()
        found = Bucket(driver, "counting://")
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(found.write, f"{number}", b"")
        await found.close()
        assert (driver.opened, driver.closed) == (1, 1)
        unused = Counting()
        await Bucket(unused, "counting://").close()
        assert (unused.opened, unused.closed) == (0, 0)

    anyio.run(main)


def test_a_short_stream_is_no_success() -> None:
    """A driver whose bytes end before the object does: an error, never short data."""
    from booty.clients import Bucket, ObjectReader
    from booty.clients.memory.bucket import MemoryBucket

    class Short(MemoryBucket):
        async def read(self, *arguments: object) -> ObjectReader:
            reader = await super().read(*arguments)
            pieces = [b"half", b""]

            async def receive() -> bytes:
                return pieces.pop(0)

            reader.receive = receive
            return reader

    async def main() -> None:
        async with Bucket(Short(), "short://") as found:
            await found.write("k", b"half of it is missing")
            with pytest.raises(booty.UnknownError, match="17 bytes are missing") as caught:
                await found.read("k")
            assert caught.value.reference == "object-short"

    anyio.run(main)
