"""Opened at the first call, closed once: the state that a bucket shares with its views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty.clients.errors import FailedPreconditionError

if TYPE_CHECKING:
    import anyio

    from booty.clients.bucket.driver import BucketDriver

__all__ = ["Life"]


class Life:
    """Whether the driver of a bucket is open.

    Args:
        driver: the innermost one.
        name: of the bucket, for errors.
    """

    def __init__(self, driver: BucketDriver, name: str) -> None:
        self.name = name
        self._driver = driver
        self._opened = False
        self._closed = False
        self._lock: anyio.Lock | None = None

    def check(self) -> None:
        """Refuse a call on a bucket that is closed.

        Raises:
            FailedPreconditionError: it is.
        """
        if self._closed:
            told = f'cannot use the bucket "{self.name}": it is closed'
            raise FailedPreconditionError(told, reference="client-closed", subject=self.name)

    async def open(self) -> None:
        """Open the driver unless it is open; refuses a closed one."""
        self.check()
        if self._opened:
            return
        import anyio

        self._lock = self._lock or anyio.Lock()
        async with self._lock:
            self.check()
            if not self._opened:
                await self._driver.open()
                self._opened = True

    async def leave(self) -> None:
        """Close the driver unless that was done already."""
        if not self._closed:
            await self.close()

    async def close(self) -> None:
        """Close the driver if it was opened; refuses a second time."""
        self.check()
        self._closed = True
        if self._opened:
            import anyio

            with anyio.CancelScope(shield=True):
                await self._driver.close()
