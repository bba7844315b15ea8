"""Copies inside a bucket."""

from __future__ import annotations

from typing import Any

from booty.clients.bucket.face import Bucket
from booty.clients.bucket.nouns import Attributes
from booty.clients.capability import Capability
from booty.clients.errors import Code
from booty.testing.conformance.buckets.attributes import HEADERS
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails

COPY = Capability.COPY


def wishes(bucket: Bucket, metadata: dict[str, str]) -> dict[str, Any]:
    """Return all that the driver can keep with an object."""
    headers = dict(HEADERS) if Capability.ATTRS in bucket.capabilities else {}
    return {**headers, "metadata": metadata if "metadata" in bucket.capabilities else {}}


def kept(found: Attributes) -> dict[str, Any]:
    """Return what a copy must have, too."""
    return {
        **{name: getattr(found, name) for name in HEADERS},
        "metadata": dict(found.metadata),
        "size": found.size,
    }


@CASES.case("B63", COPY)
async def copy_of_nothing(place: Place) -> None:
    """A source that is not there is named."""
    bucket = await place.bucket()

    with fails(Code.NOT_FOUND, naming="nobody"):
        await bucket.copy("nobody", "k")
    assert not await bucket.exists("k")


@CASES.case("B64", COPY)
async def copy_with_all(place: Place) -> None:
    """A copy has the bytes and all attributes, but for times and etag."""
    bucket = await place.bucket()
    await bucket.write("a", b"bytes", **wishes(bucket, {"x": "y"}))
    await bucket.copy("a", "b")

    assert await bucket.read("b") == b"bytes"
    assert kept(await bucket.attributes("b")) == kept(await bucket.attributes("a"))


@CASES.case("B65", COPY)
async def copy_over(place: Place) -> None:
    """A copy replaces its target entirely."""
    bucket = await place.bucket()
    await bucket.write("a", b"bytes")
    await bucket.write("b", b"others, and more", **wishes(bucket, {"x": "y"}))
    await bucket.copy("a", "b")

    assert await bucket.read("b") == b"bytes"
    assert kept(await bucket.attributes("b")) == kept(await bucket.attributes("a"))


@CASES.case("B66", COPY)
async def copy_is_its_own(place: Place) -> None:
    """A copy does not change with its source."""
    bucket = await place.bucket()
    await bucket.write("a", b"bytes", **wishes(bucket, {"x": "y"}))
    await bucket.copy("a", "b")
    before = kept(await bucket.attributes("b"))
    await bucket.write("a", b"others", **wishes(bucket, {"x": "z"}))

    assert await bucket.read("b") == b"bytes"
    assert kept(await bucket.attributes("b")) == before


@CASES.case("B100", COPY)
async def copy_onto_itself(place: Place) -> None:
    """A copy of an object onto itself changes nothing; of nothing it is an error."""
    bucket = await place.bucket()
    await bucket.write("a", b"bytes", **wishes(bucket, {"x": "y"}))
    before = kept(await bucket.attributes("a"))
    await bucket.copy("a", "a")

    assert await bucket.read("a") == b"bytes"
    assert kept(await bucket.attributes("a")) == before
    with fails(Code.NOT_FOUND, naming="nobody"):
        await bucket.copy("nobody", "nobody")
