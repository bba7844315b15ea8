"""Metadata: a free map that comes back as it was given."""

from __future__ import annotations

from booty.clients.capability import Capability
from booty.clients.errors import Code
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails
from booty.testing.conformance.data import ODD

METADATA = Capability.METADATA


@CASES.case("B54", METADATA)
async def empty_map(place: Place) -> None:
    """An empty map comes back empty."""
    bucket = await place.bucket()
    await bucket.write("k", b"x", metadata={})

    assert not (await bucket.attributes("k")).metadata


@CASES.case("B55", METADATA)
async def empty_name(place: Place) -> None:
    """A key that is empty is refused."""
    bucket = await place.bucket()

    with fails(Code.INVALID_ARGUMENT):
        await bucket.write("k", b"x", metadata={"": "v"})
    assert not await bucket.exists("k")


@CASES.case("B56", METADATA)
async def equal_but_for_case(place: Place) -> None:
    """Two keys that are equal but for case are refused."""
    bucket = await place.bucket()

    with fails(Code.INVALID_ARGUMENT):
        await bucket.write("k", b"x", metadata={"abc": "1", "aBc": "2"})
    assert not await bucket.exists("k")


@CASES.case("B57", METADATA)
async def lower_case(place: Place) -> None:
    """Keys come back in lower case, values as they are."""
    bucket = await place.bucket()
    await bucket.write("k", b"x", metadata={"Key-A": "Value A", "kEY-b": "VALUE b"})

    found = (await bucket.attributes("k")).metadata
    assert found == {"key-a": "Value A", "key-b": "VALUE b"}


@CASES.case("B58", METADATA)
async def of_an_empty_object(place: Place) -> None:
    """An empty object has metadata, too."""
    bucket = await place.bucket()
    await bucket.write("k", b"", metadata={"a": "b"})

    assert (await bucket.attributes("k")).metadata == {"a": "b"}


@CASES.case("B59", METADATA)
async def with_a_type(place: Place) -> None:
    """Metadata and a content type are both kept."""
    bucket = await place.bucket()
    await bucket.write("k", b"x", metadata={"a": "b"}, content_type="text/x-own")

    found = await bucket.attributes("k")
    assert (found.metadata, found.content_type) == ({"a": "b"}, "text/x-own")


@CASES.case("B60", METADATA)
async def odd_metadata(place: Place) -> None:
    """The 18 odd strings come back, as keys and as values."""
    bucket = await place.bucket()

    for number, odd in enumerate(ODD.values()):
        metadata = {odd: odd, "plain": odd}
        await bucket.write(f"{number}", b"x", metadata=metadata)
        found = (await bucket.attributes(f"{number}")).metadata
        assert found == {key.lower(): value for key, value in metadata.items()}


@CASES.case("B61", METADATA)
async def no_utf8_in_metadata(place: Place) -> None:
    """A key or value that is not valid UTF-8 is refused."""
    bucket = await place.bucket()

    for wrong in ({"a\udc80": "v"}, {"a": "v\udc80"}):
        with fails(Code.INVALID_ARGUMENT):
            await bucket.write("k", b"x", metadata=wrong)
    assert not await bucket.exists("k")
