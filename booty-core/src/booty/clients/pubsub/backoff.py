"""How long to wait before something is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from attrs import frozen

if TYPE_CHECKING:
    import asyncio

__all__ = ["Backoff"]


@frozen(kw_only=True)
class Backoff:
    """Waits that grow.

    Attributes:
        first: seconds before the second try.
        factor: each wait is so many times the one before.
        most: seconds that no wait exceeds.
    """

    first: float = 0.05
    factor: float = 2.0
    most: float = 5.0

    def wait(self, tries: int) -> float:
        """Return the seconds to wait after so many tries, the first being 1."""
        # the exponent has a ceiling, or the number would have none
        return min(self.first * self.factor ** min(tries - 1, 30), self.most)

    async def pause(self, tries: int, unless: asyncio.Event) -> None:
        """Wait after so many tries, or until something happens that makes waiting pointless."""
        with anyio.move_on_after(self.wait(tries)):
            await unless.wait()
