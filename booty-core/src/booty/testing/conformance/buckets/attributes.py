"""Attributes: content headers, times, sizes, etags."""

from __future__ import annotations

import hashlib
import re

from booty.clients.capability import Capability
from booty.testing.conformance.buckets.place import CASES, Place

ATTRS = Capability.ATTRS
HEADERS = {
    "content_type": "text/x-thing; charset=utf-8",
    "cache_control": "no-cache",
    "content_disposition": 'inline; filename="a b.txt"',
    "content_encoding": "identity",
    "content_language": "de, en",
}


@CASES.case("B30", ATTRS)
async def five_headers(place: Place) -> None:
    """The five content headers come back as they were written."""
    bucket = await place.bucket()
    await bucket.write("k", b"x", **HEADERS)

    found = await bucket.attributes("k")
    assert {name: getattr(found, name) for name in HEADERS} == HEADERS


@CASES.case("B31", ATTRS)
async def created_before_modified(place: Place) -> None:
    """An object was not changed before it was made."""
    bucket = await place.bucket()
    await bucket.write("k", b"x")

    found = await bucket.attributes("k")
    assert found.created is None or found.created <= found.modified


@CASES.case("B32")
async def one_size(place: Place) -> None:
    """Attributes and reader tell the same size."""
    bucket = await place.bucket()
    await bucket.write("k", b"x" * 1234)

    async with bucket.reader("k") as reader:
        assert (await bucket.attributes("k")).size == reader.size == 1234


@CASES.case("B33", ATTRS)
async def quoted_etag(place: Place) -> None:
    """The etag is quoted, weak or strong."""
    bucket = await place.bucket()
    await bucket.write("k", b"x")

    assert re.fullmatch(r'(W/)?"[^"]+"', (await bucket.attributes("k")).etag)


@CASES.case("B34")
async def time_of_an_overwrite(place: Place) -> None:
    """An overwrite is not earlier than what it replaced."""
    bucket = await place.bucket()
    await bucket.write("k", b"x")
    first = (await bucket.attributes("k")).modified
    await bucket.write("k", b"y")

    assert first <= (await bucket.attributes("k")).modified


@CASES.case("B62")
async def md5_is_right(place: Place) -> None:
    """Where an MD5 is told, in attributes or a listing, it is that of the content."""
    bucket = await place.bucket()
    wanted = {}
    for number in range(3):
        data = bytes([number]) * 100
        wanted[f"{number}"] = hashlib.md5(data, usedforsecurity=False).digest()
        await bucket.write(f"{number}", data, metadata=_metadata(bucket.capabilities))

    for key, digest in wanted.items():
        assert (await bucket.attributes(key)).md5 in (None, digest)
    if Capability.LIST in bucket.capabilities:
        assert all([one.md5 in (None, wanted[one.key]) async for one in bucket.list()])


def _metadata(capabilities: frozenset[Capability]) -> dict[str, str]:
    return {"a": "b"} if Capability.METADATA in capabilities else {}
