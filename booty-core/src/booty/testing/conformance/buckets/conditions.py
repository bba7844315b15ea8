"""Writes that depend on what is there."""

from __future__ import annotations

import anyio

from booty.clients.capability import Capability
from booty.clients.errors import Code, FailedPreconditionError
from booty.testing.conformance.buckets.place import CASES, Place
from booty.testing.conformance.case import fails

CONDITIONAL, IF_MATCH = Capability.CONDITIONAL, Capability.IF_MATCH


@CASES.case("B80", CONDITIONAL)
async def only_if_not_there(place: Place) -> None:
    """The second of two writes that want nothing to be there fails; the first stays."""
    bucket = await place.bucket()
    await bucket.write("k", b"first", if_not_exist=True)

    with fails(Code.FAILED_PRECONDITION):
        await bucket.write("k", b"second", if_not_exist=True)
    assert await bucket.read("k") == b"first"
    await bucket.write("k", b"third")
    assert await bucket.read("k") == b"third"
    assert place.harness.leftovers() == []


@CASES.case("B91", IF_MATCH)
async def only_over_this_version(place: Place) -> None:
    """A write over a version fails once there is another one, or none."""
    bucket = await place.bucket()
    await bucket.write("k", b"first")
    etag = (await bucket.attributes("k")).etag
    await bucket.write("k", b"second", if_match=etag)

    with fails(Code.FAILED_PRECONDITION):
        await bucket.write("k", b"third", if_match=etag)
    with fails(Code.FAILED_PRECONDITION):
        await bucket.write("nobody", b"third", if_match=etag)
    assert await bucket.read("k") == b"second"
    assert not await bucket.exists("nobody")


@CASES.case("B97", CONDITIONAL)
async def one_winner(place: Place) -> None:
    """Of sixteen writers at once that want nothing to be there, one wins."""
    bucket = await place.bucket()
    won: list[int] = []

    async def write(number: int) -> None:
        try:
            await bucket.write("k", f"{number}".encode(), if_not_exist=True)
        except FailedPreconditionError:
            return
        won.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(write, number)
    assert len(won) == 1
    assert await bucket.read("k") == f"{won[0]}".encode()


@CASES.case("B106", CONDITIONAL, Capability.MULTIPART)
async def only_if_not_there_in_parts(place: Place) -> None:
    """An upload in parts that wants nothing to be there fails if there is something at its end."""
    bucket = await place.bucket()
    with fails(Code.FAILED_PRECONDITION):
        async with bucket.writer("k", if_not_exist=True) as writer:
            await writer.write(bytes(20 << 20))
            await bucket.write("k", b"faster")

    assert await bucket.read("k") == b"faster"
    assert place.harness.leftovers() == []


@CASES.case("B104", lacks=(CONDITIONAL,))
async def no_conditions(place: Place) -> None:
    """A driver whose engine ignores conditions refuses them: it would lose what is there."""
    bucket = await place.bucket()
    await bucket.write("k", b"first")

    with fails(Code.UNIMPLEMENTED):
        await bucket.write("k", b"second", if_not_exist=True)
    assert await bucket.read("k") == b"first"
