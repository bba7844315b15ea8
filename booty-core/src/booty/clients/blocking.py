"""The blocking twin of a portable client: its coroutines run in the loop of a portal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

__all__ = ["Blocking", "portal"]

T = TypeVar("T")
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
