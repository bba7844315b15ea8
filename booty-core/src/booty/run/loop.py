"""One loop for everything that waits: descriptors, timers and coroutines, without threads.

Coroutines are driven by :class:`Task` and wait for a :class:`Future`. Whatever a future wakes runs
in the next turn, never inside the call that settled it, so nobody sees state half changed.
"""

from __future__ import annotations

import collections
import contextlib
import heapq
import itertools
import selectors
import sys
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from booty.run.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

__all__ = ["Cancelled", "Future", "Loop", "Task", "Timer", "write_down"]

_T = TypeVar("_T")
_PENDING: Final = object()
LONGEST_TURN: Final = 0.005
"""Seconds after which a turn looks at what has happened meanwhile."""


class Cancelled(BaseException):
    """Raised inside a coroutine that was told to end."""


class Future(Generic[_T]):
    """Something that will be known once.

    Args:
        loop: the loop that wakes who waits.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._value: Any = _PENDING
        self._error: BaseException | None = None
        self._wakes: list[Callable[[], None]] = []

    @property
    def done(self) -> bool:
        """Whether it is known."""
        return self._error is not None or self._value is not _PENDING

    def set(self, value: _T) -> None:
        """Settle it; a second time is ignored."""
        if not self.done:
            self._value = value
            self._wake()

    def fail(self, error: BaseException) -> None:
        """Settle it with an exception; a second time is ignored."""
        if not self.done:
            self._error = error
            self._wake()

    def result(self) -> _T:
        """Return the value, or raise the exception, of a future that is done."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[no-any-return]  # Any stands for "not yet" as well

    def _wake(self) -> None:
        for wake in self._wakes:
            self._loop.soon(wake)
        self._wakes.clear()

    def on_done(self, wake: Callable[[], None]) -> None:
        """Call back in the turn after it is settled."""
        if self.done:
            self._loop.soon(wake)
        else:
            self._wakes.append(wake)

    def forget(self, wake: Callable[[], None]) -> None:
        """Take a callback back."""
        if wake in self._wakes:
            self._wakes.remove(wake)

    def __await__(self) -> Generator[Future[Any], None, _T]:
        if not self.done:
            yield self
        return self.result()


class Task(Future[_T]):
    """A coroutine under way.

    Args:
        loop: the loop that drives it.
        work: the coroutine; its first step runs in the next turn.
    """

    def __init__(self, loop: Loop, work: Coroutine[Future[Any], None, _T]) -> None:
        super().__init__(loop)
        self._work = work
        self._waits: Future[Any] | None = None
        self._cancelled = False
        loop.soon(self._step)

    def cancel(self) -> None:
        """Raise :class:`Cancelled` inside, in the next turn."""
        if self.done or self._cancelled:
            return
        self._cancelled = True
        if self._waits is not None:
            self._waits.forget(self._step)
            self._waits = None
            self._loop.soon(self._step)

    def _step(self) -> None:
        if self.done:
            return
        try:
            self._waits = self._resume()
        except StopIteration as stop:
            self.set(stop.value)
        except Cancelled as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001 - whoever awaits the task gets it
            self._loop.unheard(self, error)
            self.fail(error)
        else:
            self._waits.on_done(self._step)

    def _resume(self) -> Future[Any]:
        if self._cancelled:
            # once: the coroutine may wait again while it cleans up
            self._cancelled = False
            return self._work.throw(Cancelled())
        return self._work.send(None)

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for it."""
        return bool(self._wakes)


class Timer:
    """A call at a time; see :meth:`Loop.after`."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None] | None) -> None:
        self.when = when
        self.call = call

    def cancel(self) -> None:
        """Do not call."""
        self.call = None


class Loop:
    """Waits for descriptors and times, and calls.

    Args:
        clock: where the time comes from.

    Attributes:
        clock: likewise.
        before_wait: called each time before the loop waits; what was put off is written there.
        before_end: called before the end of a process is taken note of; what it said last is heard.
        shared: things of which one serves a whole loop, by their type.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.before_wait: list[Callable[[], None]] = []
        self.before_end: list[Callable[[], None]] = []
        self.shared: dict[type, object] = {}
        self._selector = selectors.DefaultSelector()
        self._soon: collections.deque[Callable[[], None]] = collections.deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._running = False

    def now(self) -> float:
        """Return monotonic seconds."""
        return self.clock.monotonic()

    @property
    def busy(self) -> bool:
        """Whether something is left to do that need not be waited for."""
        return bool(self._soon)

    def soon(self, call: Callable[[], None]) -> None:
        """Call in the next turn."""
        self._soon.append(call)

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call when a time has passed, unless cancelled."""
        timer = Timer(self.now() + seconds, call)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        return timer

    def watch(self, fd: int, call: Callable[[], None], *, write: bool = False) -> None:
        """Call whenever a descriptor can be read (or written); replaces a former call."""
        events = selectors.EVENT_WRITE if write else selectors.EVENT_READ
        if fd in self._selector.get_map():
            self._selector.modify(fd, events, call)
        else:
            self._selector.register(fd, events, call)

    def unwatch(self, fd: int) -> None:
        """Forget a descriptor; call it before the descriptor is closed."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def task(self, work: Coroutine[Future[Any], None, _T]) -> Task[_T]:
        """Start a coroutine."""
        return Task(self, work)

    def future(self) -> Future[Any]:
        """Return a future that nobody has settled."""
        return Future(self)

    async def sleep(self, seconds: float) -> None:
        """Wait for a time."""
        await self.first(timeout=seconds)

    async def first(
        self, *futures: Future[Any], timeout: float | None = None
    ) -> Future[Any] | None:
        """Wait until one of several futures is done.

        Args:
            *futures: what to wait for; they are not cancelled.
            timeout: seconds to wait at most.

        Returns:
            The first future that is done, in the order given; ``None`` if the time is over.
        """
        woken: Future[None] = Future(self)

        def wake() -> None:
            woken.set(None)

        timer = None if timeout is None else self.after(max(0.0, timeout), wake)
        for future in futures:
            future.on_done(wake)
        try:
            await woken
        finally:
            if timer:
                timer.cancel()
            for future in futures:
                future.forget(wake)
        return next((future for future in futures if future.done), None)

    async def ready(self, fd: int, *, write: bool = False, timeout: float) -> bool:
        """Wait until a descriptor can be read or written; tell whether it can."""
        woken: Future[None] = Future(self)
        self.watch(fd, lambda: woken.set(None), write=write)
        try:
            return await self.first(woken, timeout=timeout) is not None
        finally:
            self.unwatch(fd)

    def stop(self) -> None:
        """End :meth:`run` after this turn."""
        self._running = False

    def close(self) -> None:
        """Close the loop's own descriptor."""
        self._selector.close()

    def run(self) -> None:
        """Turn until :meth:`stop`."""
        self._running = True
        while self._running:
            self.turn()
        self._finish()

    def run_until(self, future: Future[_T], timeout: float | None = None) -> _T:
        """Turn until a future is done, and return its value.

        Raises:
            TimeoutError: the time is over.
        """
        end = None if timeout is None else self.now() + timeout
        self._finish()
        while not future.done:
            left = None if end is None else end - self.now()
            if left is not None and left <= 0:
                raise TimeoutError
            self.turn(left)
            self._finish()  # nothing may be left to do when the next turn waits
        return future.result()

    def turn(self, limit: float | None = None) -> None:
        """Wait once, at most ``limit`` seconds, and call what is due."""
        self._settle()
        if not self._running and limit is None and self._soon:
            return
        for key, _ in self._selector.select(self._wait(limit)):
            self._call(key.data)
        self._fire()

    def _finish(self) -> None:
        self._settle()
        while self._soon:
            self._settle()

    def _settle(self) -> None:
        # a turn ends when nothing more is to be done now, or when it was long enough: who asks,
        # ends or listens is not kept waiting by two hundred starts. What was put off is written.
        end = self.now() + LONGEST_TURN
        while self._soon and self.now() < end:
            self._call(self._soon.popleft())
        for call in self.before_wait:
            self._call(call)

    def _wait(self, limit: float | None) -> float | None:
        if self._soon:
            return 0
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return limit
        due = max(0.0, self._timers[0][0] - self.now())
        return due if limit is None else min(due, limit)

    def _fire(self) -> None:
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.call is not None:
                self._call(timer.call)

    def _call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - a fault of one part must not end all
            write_down(error)

    def unheard(self, task: Task[Any], error: Exception) -> None:
        """Write down the exception of a task that nobody waits for."""
        if not task.awaited:
            write_down(error)


def write_down(error: Exception) -> None:
    """Write an exception with its traceback to stderr, which is the watchers' own log."""
    with contextlib.suppress(OSError):  # on a full disk it is lost, and nothing else is
        try:
            import traceback  # never needed where all goes well
        except OSError:  # no descriptor to read it by
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        else:
            traceback.print_exception(error, file=sys.stderr)
