"""The portable type itself, over drivers that were made for it. These cases run once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from booty.clients.bucket.driver import BucketDriver, ObjectReader, ObjectWriter
from booty.clients.bucket.face import Bucket
from booty.clients.bucket.nouns import (
    Attributes,
    Before,
    ListRequest,
    Page,
    SignRequest,
    WriteRequest,
)
from booty.clients.bucket.opening import open_bucket
from booty.clients.capability import Capability
from booty.clients.errors import Code
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails

Operation = Callable[[], Awaitable[object]]


class Broken(BucketDriver):
    """A driver that can do everything, and fails at all of it."""

    capabilities = frozenset(Capability)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def code(self, error: Exception) -> Code:
        """Judge its own error."""
        return Code.RESOURCE_EXHAUSTED if isinstance(error, LookupError) else Code.UNKNOWN

    def _fail(self, name: str) -> LookupError:
        self.asked.append(name)
        return LookupError(f"no {name}")

    async def accessible(self) -> bool:
        """Fail."""
        raise self._fail("accessible")

    async def attributes(self, key: str) -> Attributes:
        """Fail."""
        raise self._fail("attributes")

    async def read(
        self, key: str, offset: int, length: int | None, before: Before | None
    ) -> ObjectReader:
        """Fail."""
        raise self._fail("read")

    async def write(self, key: str, request: WriteRequest) -> ObjectWriter:
        """Fail."""
        raise self._fail("write")

    async def delete(self, key: str, before: Before | None) -> None:
        """Fail."""
        raise self._fail("delete")

    async def list(self, request: ListRequest) -> Page:
        """Fail."""
        raise self._fail("list")

    async def copy(self, source: str, target: str, before: Before | None) -> None:
        """Fail."""
        raise self._fail("copy")

    async def signed_url(self, key: str, request: SignRequest) -> str:
        """Fail."""
        raise self._fail("signed_url")


def operations(bucket: Bucket) -> Iterator[Operation]:
    """Give every call that a bucket has, on the key ``k``."""
    yield bucket.accessible
    yield lambda: bucket.attributes("k")
    yield lambda: bucket.exists("k")
    yield lambda: bucket.read("k")
    yield lambda: bucket.read("k", offset=1, length=2)
    yield lambda: bucket.write("k", b"x")
    yield lambda: bucket.upload("k", [b"x"])
    yield lambda: bucket.copy("k", "l")
    yield lambda: bucket.delete("k")
    yield lambda: bucket.list_page(prefix="k")
    yield lambda: anext(bucket.list("k"))
    yield lambda: bucket.signed_url("k")


@CASES.case("B72", portable=True)
async def signed_for_no_time(_: Place) -> None:
    """A signed URL for no or less time is refused before the driver is asked."""
    driver = Broken()
    bucket = Bucket(driver, "broken://")

    for expiry in (-1.0, 0.0):
        with fails(Code.INVALID_ARGUMENT):
            await bucket.signed_url("k", expiry=expiry)
    assert driver.asked == []


@CASES.case("B81", portable=True)
async def closed(_: Place) -> None:
    """After its end a bucket does nothing more, and cannot be ended again."""
    bucket = open_bucket("mem://")
    await bucket.write("k", b"x")
    reader, writer = bucket.reader("k"), bucket.writer("l")
    await bucket.close()

    for operation in (*operations(bucket), reader.read, lambda: writer.write(b""), bucket.close):
        with fails(Code.FAILED_PRECONDITION):
            await operation()


@CASES.case("B82", portable=True)
async def driver_fails(_: Place) -> None:
    """What a driver raises leaves with a code, the cause and the key."""
    bucket = Bucket(Broken(), "broken://k")

    for operation in operations(bucket):
        with fails(Code.RESOURCE_EXHAUSTED, naming="k") as told:
            await operation()
        assert isinstance(told.value.__cause__, LookupError)
        assert told.value.native is told.value.__cause__


@CASES.case("B83", portable=True)
async def foreign_native(_: Place) -> None:
    """A native object of a foreign type is nothing; by no type it is a clean error."""
    bucket = open_bucket("mem://")

    assert bucket.native(Broken) is None
    with fails(Code.INVALID_ARGUMENT):
        bucket.native(None)  # type: ignore[arg-type]  # that is the case


@CASES.case("B84", portable=True)
async def prefix_view(_: Place) -> None:
    """Behind a prefix keys are without it, of copies both; the view closes what it is a view of."""
    bucket = open_bucket("mem://")
    view = bucket.prefixed("a/").prefixed("b/")
    await view.write("k", b"x")
    await view.copy("k", "l")
    await bucket.write("z", b"x")

    assert [one.key async for one in bucket.list()] == ["a/b/k", "a/b/l", "z"]
    assert [one.key async for one in view.list()] == ["k", "l"]
    assert [one.key async for one in bucket.prefixed("a/").list(delimiter="/")] == ["b/"]
    assert await view.read("l") == b"x"
    await view.delete("k")
    assert [one.key async for one in bucket.list()] == ["a/b/l", "z"]
    with fails(Code.INVALID_ARGUMENT):
        await view.write("k" * 1021, b"")
    await view.close()
    with fails(Code.FAILED_PRECONDITION):
        await bucket.read("z")


@CASES.case("B85", portable=True)
async def single_key_view(_: Place) -> None:
    """The view of one object gives and takes it by any key."""
    bucket = open_bucket("mem://")
    view = bucket.single("k")
    await view.write("anything", b"x")
    await bucket.write("k2", b"y")

    assert await view.read("something else") == b"x"
    assert await bucket.read("k") == b"x"
    assert [one.key async for one in view.list()] == ["k"]
    await view.delete("whatever")
    assert [one.key async for one in bucket.list()] == ["k2"]
    assert [one.key async for one in view.list()] == []


@CASES.case("B87", portable=True)
async def opener(_: Place) -> None:
    """Schemes, prefixed forms, parameters, and the views that every scheme has."""
    with fails(Code.INVALID_ARGUMENT) as told:
        open_bucket("nosuch://a")
    assert '"mem://"' in str(told.value.hint)
    with fails(Code.INVALID_ARGUMENT, naming="prefx"):
        open_bucket("mem://?prefx=a")
    for url in ("blob+mem://shared", "blob+bucket+mem://shared", "mem://shared"):
        async with open_bucket("mem://shared") as held, open_bucket(url) as bucket:
            await bucket.write("a/k", b"x")
            async with open_bucket("mem://shared?prefix=a/") as below:
                assert await below.read("k") == b"x"
            async with open_bucket("mem://shared?prefix=a/&key=k") as one:
                assert await one.read("any") == b"x"
            assert [one.key async for one in held.list()] == ["a/k"]
