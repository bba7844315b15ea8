"""Reading: whole, in part, from any place."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from booty.clients.bucket.face import Bucket
from booty.clients.capability import Capability
from booty.clients.errors import Code, FailedPreconditionError
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails
from booty.testing.conformance.data import LETTERS, noise

RANGE = Capability.RANGE


async def letters(place: Place) -> Bucket:
    """Return a bucket with one object of 52 different bytes."""
    bucket = await place.bucket()
    await bucket.write("k", LETTERS, content_type="application/x-letters")
    return bucket


def recent(time: datetime | None) -> bool:
    """Return whether a time is neither far past nor future; clocks may differ."""
    return time is not None and abs(datetime.now(UTC) - time) < timedelta(hours=1)


@CASES.case("B01")
async def missing_place(place: Place) -> None:
    """A bucket that does not exist is not accessible, which is no error."""
    assert not await (await place.missing()).accessible()


@CASES.case("B02")
async def existing_place(place: Place) -> None:
    """A bucket that exists is accessible."""
    assert await (await place.bucket()).accessible()


@CASES.case("B19")
async def no_such_key(place: Place) -> None:
    """A missing key cannot be read."""
    bucket = await place.bucket()

    with fails(Code.NOT_FOUND, naming="nobody"):
        await bucket.read("nobody")


@CASES.case("B20", RANGE)
async def negative_offset(place: Place) -> None:
    """A negative offset is refused, whether the key is there or not."""
    bucket = await letters(place)

    for key in ("k", "nobody"):
        with fails(Code.INVALID_ARGUMENT):
            await bucket.read(key, offset=-1)


@CASES.case("B21", RANGE)
async def nothing_of_it(place: Place) -> None:
    """A read of no bytes gives size, time and type of the object."""
    bucket = await letters(place)

    async with bucket.reader("k", offset=0, length=0) as reader:
        assert await reader.read() == b""
        assert reader.size == len(LETTERS)
        assert recent(reader.attributes.modified)
        assert reader.attributes.content_type == "application/x-letters"


@CASES.case("B22", RANGE)
async def from_the_tenth(place: Place) -> None:
    """An offset without a length reads to the end."""
    assert await (await letters(place)).read("k", offset=10, length=-1) == LETTERS[10:]


@CASES.case("B23", RANGE)
async def five_from_the_tenth(place: Place) -> None:
    """An offset and a length read exactly those bytes."""
    assert await (await letters(place)).read("k", offset=10, length=5) == LETTERS[10:15]


@CASES.case("B24")
async def whole(place: Place) -> None:
    """A read without a range gives all bytes."""
    assert await (await letters(place)).read("k") == LETTERS


@CASES.case("B25", RANGE)
async def any_negative_length(place: Place) -> None:
    """Any negative length means to the end."""
    assert await (await letters(place)).read("k", offset=1, length=-42) == LETTERS[1:]


@CASES.case("B26", RANGE)
async def size_of_the_whole(place: Place) -> None:
    """The reader of a part knows the size of the whole."""
    bucket = await letters(place)

    async with bucket.reader("k", offset=10, length=5) as reader:
        assert reader.size == len(LETTERS)


@CASES.case("B27")
async def time_of_the_reader(place: Place) -> None:
    """The reader knows when the object was written."""
    bucket = await letters(place)

    async with bucket.reader("k") as reader:
        assert recent(reader.attributes.modified)


@CASES.case("B28", RANGE)
async def seeking(place: Place) -> None:
    """Reads of any size and seeks to any place give the right bytes, and the end stays the end."""
    bucket = await letters(place)

    async with bucket.reader("k") as reader:
        got = b""
        for size in (1, 1, 3, 7, 11, 13, 100):
            got += await reader.read(size)
        assert got == LETTERS
        assert (await reader.read(1), await reader.read()) == (b"", b"")
        for at in (0, len(LETTERS) // 2, len(LETTERS) - 3, len(LETTERS), len(LETTERS) + 5):
            assert await reader.seek(at) == at
            assert await reader.read(5) == LETTERS[at : at + 5]
        assert await reader.seek(-4, io.SEEK_END) == len(LETTERS) - 4
        with fails(Code.INVALID_ARGUMENT):
            await reader.seek(-1)
        assert await reader.read() == LETTERS[-4:]
        assert await reader.seek(0) == 0
        assert await reader.read() == LETTERS


@CASES.case("B29")
async def attributes_of_nothing(place: Place) -> None:
    """A missing key and a directory have no attributes; the text names what was asked for."""
    bucket = await place.bucket()
    await bucket.write("d/1", b"x")

    for key in ("nobody", "d", "d/"):
        with fails(Code.NOT_FOUND, naming=key):
            await bucket.attributes(key)
        assert not await bucket.exists(key)


@CASES.case("B92", RANGE)
async def behind_the_end(place: Place) -> None:
    """At or behind the end there is nothing to read, which is no error."""
    bucket = await letters(place)

    for offset in (len(LETTERS), len(LETTERS) + 10):
        async with bucket.reader("k", offset=offset) as reader:
            assert (await reader.read(), reader.size) == (b"", len(LETTERS))
        assert await bucket.read("k", offset=offset, length=3) == b""
    await bucket.write("empty", b"")
    assert await bucket.read("empty") == b""


@CASES.case("B93", RANGE)
async def replaced_while_read(place: Place) -> None:
    """A reader never gives bytes of two versions: those it began with, or an error."""
    bucket = await place.bucket()
    old, new = noise(1 << 16, 1), noise(1 << 16, 2)
    await bucket.write("k", old)

    async with bucket.reader("k") as reader:
        assert await reader.read(10) == old[:10]
        await bucket.write("k", new)
        await reader.seek(1000)
        try:
            rest = await reader.read()
        except FailedPreconditionError:
            return
        assert rest == old[1000:]
