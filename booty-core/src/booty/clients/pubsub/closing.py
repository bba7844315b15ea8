"""What a topic and a subscription have in common: a driver, until somebody closes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

import anyio

from booty.clients.errors import FailedPreconditionError

if TYPE_CHECKING:
    from types import TracebackType

    from booty.clients.capability import Capability
    from booty.clients.pubsub.driver import SubscriptionDriver, TopicDriver

__all__ = ["CLOSE_SECONDS", "Closing"]

_D = TypeVar("_D", bound="TopicDriver | SubscriptionDriver")
_T = TypeVar("_T")
CLOSE_SECONDS: Final = 3.0
"""Seconds that a driver has to let go, when nobody wants to wait for it any longer."""


class Closing(ABC, Generic[_D]):
    """Something with a driver.

    Args:
        driver: belongs to it from now on.
        name: for people: a URL without what is secret.
    """

    def __init__(self, driver: _D, name: str) -> None:
        self.name = name
        self._driver: _D = driver
        self._closed = False

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the driver can do beyond the basic calls."""
        return self._driver.capabilities

    def native(self, kind: type[_T] | None) -> _T | None:
        """Return the library's own object if it is of this type, else ``None``."""
        if kind is None:
            return None
        return next((one for one in self._driver.native() if isinstance(one, kind)), None)

    @abstractmethod
    async def close(self) -> None:
        """Let go."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._closed:
            return
        if error is None:
            await self.close()
            return
        # what failed, or was cancelled, hands over what it can, but nobody waits long for it
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await self.close()

    def _check_open(self, doing: str) -> None:
        if self._closed:
            raise self._shut(doing, "closed")

    def _shut(self, doing: str, how: str) -> FailedPreconditionError:
        return FailedPreconditionError(
            f'cannot {doing} "{self.name}": it is {how}',
            reference="client-closed",
            subject=self.name,
            hint="use it inside of its block, or open it again",
        )
