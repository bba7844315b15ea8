"""The blocking twin of a portable client: its coroutines run in the loop of a portal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from booty.clients.capability import Capability

__all__ = ["Blocking", "Twin", "portal"]

T = TypeVar("T")
K = TypeVar("K")
_END: Final = object()


@contextmanager
def portal() -> Iterator[BlockingPortal]:
    """Run a loop in a thread of its own for as long as the block lasts."""
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as running:
        yield running


class Blocking:
    """Base of the twins: each method hands its coroutine to the portal and waits for the end."""

    def __init__(self, running: BlockingPortal) -> None:
        self._portal = running

    def _run(self, function: Callable[..., Awaitable[T]], *arguments: Any, **fields: Any) -> T:
        return self._portal.call(partial(function, *arguments, **fields))

    def _inside(self, manager: AbstractAsyncContextManager[T]) -> AbstractContextManager[T]:
        return self._portal.wrap_async_context_manager(manager)

    def _each(self, values: AsyncIterator[T]) -> Iterator[T]:
        while (value := self._run(anext, values, _END)) is not _END:
            yield value


class _Opened(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    def native(self, kind: type[K]) -> K | None: ...

    async def close(self) -> None: ...


C = TypeVar("C", bound=_Opened)


class Twin(Blocking, Generic[C]):
    """The blocking twin of what a URL opens.

    Args:
        one: the client.
        running: where it runs.
    """

    _opener: ClassVar[staticmethod[[str], Any]]

    def __init__(self, one: C, running: BlockingPortal) -> None:
        super().__init__(running)
        self._one = one

    def __repr__(self) -> str:
        """Return the class and the URL, without credentials."""
        return f"<{type(self).__name__} {self.name}>"

    @classmethod
    @contextmanager
    def open(cls, url: str) -> Iterator[Self]:
        """Open what a URL names for as long as the block lasts."""
        one = cls._opener(url)
        with portal() as running, running.wrap_async_context_manager(one):
            yield cls(one, running)

    @property
    def name(self) -> str:
        """Its URL without credentials and parameters."""
        return self._one.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the driver, with the engine behind it, can do."""
        return self._one.capabilities

    def native(self, kind: type[K]) -> K | None:
        """Return the library's own object; it belongs to the loop of the portal."""
        return self._one.native(kind)

    def close(self) -> None:
        """End it as the async type does, and let go."""
        self._run(self._one.close)
