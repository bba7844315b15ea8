"""Where a case of buckets runs: a fresh bucket, seen directly or through a prefix."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from booty.testing.conformance.case import Cases

if TYPE_CHECKING:
    from booty.clients.bucket.face import Bucket
    from booty.testing.conformance.harness import BucketHarness

__all__ = ["CASES", "PREFIX", "Place"]

PREFIX: Final = "some/prefix/"


class Place:
    """What a case is given.

    Args:
        harness: of the driver.
        through: ``bucket``, or ``prefix`` for the same through a view below a prefix.
        stack: closes the buckets at the end of the case.
    """

    def __init__(self, harness: BucketHarness, through: str, stack: AsyncExitStack) -> None:
        self.harness = harness
        self._through = through
        self._stack = stack

    async def bucket(self) -> Bucket:
        """Return the driver's bucket on a fresh, empty place."""
        return await self._entered(await self.harness.make())

    async def missing(self) -> Bucket:
        """Return the driver's bucket on a place that does not exist."""
        return await self._entered(await self.harness.make_missing())

    @property
    def prefix(self) -> str:
        """What the view puts before each key."""
        return PREFIX if self._through == "prefix" else ""

    def view(self, bucket: Bucket) -> Bucket:
        """Return a bucket as the case sees it."""
        return bucket.prefixed(PREFIX) if self._through == "prefix" else bucket

    async def _entered(self, bucket: Bucket) -> Bucket:
        await self._stack.enter_async_context(bucket)
        return self.view(bucket)


CASES: Final[Cases[Place]] = Cases()
