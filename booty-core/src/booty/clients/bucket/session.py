"""One call on a bucket: it is open, the driver can do it, errors are ours, the hook ran."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from booty.clients.calls import calling
from booty.clients.capability import Capability
from booty.clients.errors import ClientError, UnimplementedError

if TYPE_CHECKING:
    from booty.clients.bucket.driver import BucketDriver
    from booty.clients.bucket.life import Life
    from booty.clients.bucket.nouns import Before

__all__ = ["Hook", "Session"]


class Hook:
    """What the caller wants to be called before the request; knows what it raised."""

    def __init__(self, before: Before | None) -> None:
        self._before = before
        self.raised: Exception | None = None

    @property
    def before(self) -> Before | None:
        """For the driver: ``None`` if there is nothing to call."""
        return None if self._before is None else self._call

    def _call(self, request: Any) -> None:
        try:
            if self._before is not None:
                self._before(request)
        except Exception as error:
            self.raised = error
            raise


class Session:
    """A driver with the life of its bucket.

    Args:
        driver: of the bucket or of a view of it.
        life: shared by the bucket and its views.
    """

    def __init__(self, driver: BucketDriver, life: Life) -> None:
        self.driver = driver
        self.life = life

    @asynccontextmanager
    async def call(
        self, doing: str, subject: str, span: str = "", hook: Hook | None = None
    ) -> AsyncIterator[BucketDriver]:
        """Give the driver, opened, for one call.

        Raises:
            ClientError: what the driver raised, by its code, with the subject in the text.
        """
        self.life.check()
        try:
            name = f"booty.bucket.{span}" if span else ""
            with calling(doing, subject, self.driver.code, span=name):
                await self.life.open()
                yield self.driver
        except ClientError as error:
            if hook is not None and hook.raised is not None:
                raise hook.raised from None
            raise error from error.__cause__

    def going_on(self, doing: str, subject: str) -> calling:
        """Return what stands around one more step of a call whose driver is open: no hook, no span.

        Raises:
            FailedPreconditionError: the bucket was closed meanwhile.
        """
        self.life.check()
        return calling(doing, subject, self.driver.code)

    def need(self, capability: Capability, doing: str) -> None:
        """Refuse what the driver does not declare.

        Raises:
            UnimplementedError: it does not.
        """
        self.life.check()
        if capability not in self.driver.capabilities:
            told = f'cannot {doing}: the driver of "{self.life.name}" does not have "{capability}"'
            raise UnimplementedError(
                told,
                reference="capability-missing",
                subject=self.life.name,
                hint="look at capabilities before the call",
            )
