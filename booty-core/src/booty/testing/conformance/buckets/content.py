"""Content types, given or found, and checksums."""

from __future__ import annotations

import hashlib

import pytest

from booty.clients.bucket.face import Bucket
from booty.clients.capability import Capability
from booty.clients.errors import ClientError, Code
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails
from booty.testing.conformance.data import HTML, JPEG, TEXT

ATTRS, MD5 = Capability.ATTRS, Capability.MD5
SAMPLES = {HTML: "text/html", TEXT: "text/plain", JPEG: "image/jpeg"}


async def stored_type(bucket: Bucket) -> str:
    """Return the content type of ``k``; text must say its character set."""
    found = (await bucket.attributes("k")).content_type
    bare, _, parameters = found.partition(";")
    assert not bare.startswith("text/") or parameters.strip() == "charset=utf-8"
    return bare


@CASES.case("B39", ATTRS)
async def types_are_found(place: Place) -> None:
    """Without a content type it is found from the first bytes."""
    bucket = await place.bucket()

    for sample, kind in SAMPLES.items():
        await bucket.write("k", sample)
        assert await stored_type(bucket) == kind


@CASES.case("B40", ATTRS)
async def types_are_found_late(place: Place) -> None:
    """Ten bytes are not enough to tell: the rest is waited for."""
    bucket = await place.bucket()

    for sample, kind in SAMPLES.items():
        async with bucket.writer("k") as writer:
            await writer.write(sample[:10])
            await writer.write(sample[10:])
        assert await stored_type(bucket) == kind


@CASES.case("B41", ATTRS)
async def given_type(place: Place) -> None:
    """A type that is given is not doubted."""
    bucket = await place.bucket()
    await bucket.write("k", HTML, content_type="application/x-own")

    assert (await bucket.attributes("k")).content_type == "application/x-own"


@CASES.case("B42", ATTRS)
async def no_detection(place: Place) -> None:
    """Without detection and without a type the object is written all the same."""
    bucket = await place.bucket()
    await bucket.write("k", HTML, detect=False)

    assert await bucket.read("k") == HTML


def md5(data: bytes) -> bytes:
    """Return the MD5 of bytes."""
    return hashlib.md5(data, usedforsecurity=False).digest()


@CASES.case("B43", MD5)
async def right_md5(place: Place) -> None:
    """The right MD5 is accepted."""
    bucket = await place.bucket()
    await bucket.write("k", HTML, md5=md5(HTML))

    assert await bucket.read("k") == HTML


async def wrong_md5(bucket: Bucket) -> None:
    """Write with another MD5: nothing is refused before the end, the end is."""
    writer = bucket.writer("k", md5=md5(TEXT))
    await writer.write(HTML)
    with fails():
        await writer.close()


@CASES.case("B44", MD5)
async def wrong_md5_of_a_new_object(place: Place) -> None:
    """With a wrong MD5 nothing is stored."""
    bucket = await place.bucket()
    await wrong_md5(bucket)

    with fails(Code.NOT_FOUND):
        await bucket.read("k")
    assert place.harness.leftovers() == []


@CASES.case("B45", MD5)
async def wrong_md5_of_an_overwrite(place: Place) -> None:
    """With a wrong MD5 the old bytes stay."""
    bucket = await place.bucket()
    await bucket.write("k", b"old")
    await wrong_md5(bucket)

    assert await bucket.read("k") == b"old"


@CASES.case("B53", MD5)
async def md5_of_a_stream(place: Place) -> None:
    """The MD5 of a stream is checked, too."""
    bucket = await place.bucket()
    pieces = [b"ab" * 300_000, b"cd" * 300_000]
    await bucket.upload("k", iter(pieces), md5=md5(b"".join(pieces)))

    with pytest.raises(ClientError):
        await bucket.upload("k", iter(pieces), md5=md5(b""))
    assert await bucket.read("k") == b"".join(pieces)
