"""Signed URLs: good for one verb, for a time."""

from __future__ import annotations

from booty.clients.bucket.face import Bucket
from booty.clients.capability import Capability
from booty.clients.errors import Code
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails

PRESIGN = Capability.PRESIGN


async def one_object(place: Place) -> Bucket:
    """Return a bucket with the object ``k``."""
    bucket = await place.bucket()
    await bucket.write("k", b"bytes")
    return bucket


async def refused(place: Place, method: str, url: str, content: bytes | None = None) -> bool:
    """Return whether a request with a signed URL is refused."""
    return (await place.harness.send(method, url, content)).status_code >= 400


@CASES.case("B73", PRESIGN)
async def signed_get(place: Place) -> None:
    """A URL for GET gives the bytes and is good for nothing else."""
    bucket = await one_object(place)
    url = await bucket.signed_url("k")

    assert (await place.harness.send("GET", url)).content == b"bytes"
    assert await refused(place, "PUT", url, b"others")
    assert await refused(place, "DELETE", url)
    assert await bucket.read("k") == b"bytes"


@CASES.case("B74", PRESIGN)
async def without_its_query(place: Place) -> None:
    """Without its query the URL is worth nothing."""
    bucket = await one_object(place)
    url = await bucket.signed_url("k")

    assert await refused(place, "GET", url.partition("?")[0])


@CASES.case("B75", PRESIGN)
async def signed_put_of_a_type(place: Place) -> None:
    """A URL for PUT with a content type takes that type alone."""
    bucket = await place.bucket()
    url = await bucket.signed_url("k", "PUT", content_type="text/x-own")

    assert (await place.harness.send("PUT", url, b"1", "text/x-other")).status_code >= 400
    assert (await place.harness.send("PUT", url, b"2")).status_code >= 400
    assert (await place.harness.send("PUT", url, b"3", "text/x-own")).is_success
    assert await bucket.read("k") == b"3"
    assert (await bucket.attributes("k")).content_type == "text/x-own"


@CASES.case("B76", PRESIGN, Capability.PRESIGN_NO_TYPE)
async def signed_put_without_a_type(place: Place) -> None:
    """A URL for PUT that wants no content type refuses any."""
    bucket = await place.bucket()
    url = await bucket.signed_url("k", "PUT", no_content_type=True)

    assert (await place.harness.send("PUT", url, b"1", "text/x-other")).status_code >= 400
    assert (await place.harness.send("PUT", url, b"2")).is_success
    assert await bucket.read("k") == b"2"


@CASES.case("B77", PRESIGN)
async def signed_put(place: Place) -> None:
    """A URL for PUT works without a type."""
    bucket = await place.bucket()
    url = await bucket.signed_url("k", "PUT")

    assert (await place.harness.send("PUT", url, b"bytes")).is_success
    assert await bucket.read("k") == b"bytes"


@CASES.case("B78", PRESIGN)
async def signed_delete(place: Place) -> None:
    """A URL for DELETE deletes and does nothing else."""
    bucket = await one_object(place)
    url = await bucket.signed_url("k", "DELETE")

    assert await refused(place, "GET", url)
    assert await refused(place, "PUT", url, b"others")
    assert (await place.harness.send("DELETE", url)).is_success
    assert (await place.harness.send("GET", await bucket.signed_url("k"))).status_code == 404


@CASES.case("B99", PRESIGN)
async def another_key(place: Place) -> None:
    """A signed URL is good for its key alone."""
    bucket = await place.bucket()
    await bucket.write("the-key", b"bytes")
    await bucket.write("its-foe", b"others")
    url = await bucket.signed_url("the-key")

    assert "the-key" in url
    assert await refused(place, "GET", url.replace("the-key", "its-foe"))


@CASES.case("B79", lacks=(PRESIGN,))
async def no_signing(place: Place) -> None:
    """What a driver cannot do is said, never done wrongly."""
    bucket = await one_object(place)

    with fails(Code.UNIMPLEMENTED):
        await bucket.signed_url("k")
