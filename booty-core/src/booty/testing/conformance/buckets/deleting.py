"""Deletes, and hooks before them."""

from __future__ import annotations

from typing import Any

import pytest

from booty.clients.capability import Capability
from booty.clients.errors import Code
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails


@CASES.case("B67")
async def delete_of_nothing(place: Place) -> None:
    """What is not there cannot be deleted; the text names it."""
    bucket = await place.bucket()

    with fails(Code.NOT_FOUND, naming="nobody"):
        await bucket.delete("nobody")


@CASES.case("B68")
async def deleted_twice(place: Place) -> None:
    """What was deleted cannot be read or deleted again."""
    bucket = await place.bucket()
    await bucket.write("k", b"x")
    await bucket.delete("k")

    with fails(Code.NOT_FOUND):
        await bucket.read("k")
    with fails(Code.NOT_FOUND):
        await bucket.delete("k")


@CASES.case("B69", Capability.HOOKS)
async def hook_before_a_delete(place: Place) -> None:
    """A hook runs once; what it raises is what the caller sees, and the object stays."""
    bucket = await place.bucket()
    await bucket.write("k", b"x")
    seen: list[Any] = []

    def refuse(request: Any) -> None:
        seen.append(request)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await bucket.delete("k", before=refuse)
    assert (len(seen), await bucket.read("k")) == (1, b"x")
    await bucket.delete("k", before=seen.append)
    assert (len(seen), await bucket.exists("k")) == (2, False)


@CASES.case("B103", Capability.HOOKS)
async def hook_before_anything(place: Place) -> None:
    """Reads, writes, copies and listings have a hook, too, which runs once."""
    bucket = await place.bucket()
    seen: list[Any] = []
    await bucket.write("k", b"x", before=seen.append)
    async with bucket.reader("k", before=seen.append) as reader:
        await reader.read()
    expected = 2
    if "copy" in bucket.capabilities:
        await bucket.copy("k", "l", before=seen.append)
        expected += 1
    if "list" in bucket.capabilities:
        await bucket.list_page(before=seen.append)
        expected += 1

    assert len(seen) == expected
