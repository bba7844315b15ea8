"""A thread that does blocking work for an event loop, one call after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

__all__ = ["Worker"]

_T = TypeVar("_T")
_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Worker:
    """A thread of its own, so that its calls wait for none but each other.

    A pool of threads takes twice as long to hand over a call and its answer.

    Args:
        name: of the thread, for people.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: Thread | None = None

    def start(self, function: Callable[[], _T]) -> asyncio.Future[_T]:
        """Have a function called when those before it are done.

        Returns:
            What it returns or raises. Cancelled before it began, it is not called.
        """
        if self._thread is None:
            # a daemon: a program whose end nobody told us of ends all the same
            self._thread = Thread(target=_work, args=(self._calls,), name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._calls.put((function, future))
        return future

    def close(self) -> None:
        """Let the thread end when it has done what it was given."""
        self._calls.put(None)

    def __del__(self) -> None:
        self.close()


def _work(calls: SimpleQueue[_Call | None]) -> None:
    while (call := calls.get()) is not None:
        _do(*call)
        del call  # what was asked for last lives no longer than it is needed


def _do(function: Callable[[], Any], future: asyncio.Future[Any]) -> None:
    if future.cancelled():
        return
    settle: Callable[[asyncio.Future[Any], Any], None] = _succeed
    try:
        found: Any = function()
    except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
        settle, found = _fail, error
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        future.get_loop().call_soon_threadsafe(settle, future, found)


def _succeed(future: asyncio.Future[Any], found: Any) -> None:
    if not future.done():
        future.set_result(found)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
