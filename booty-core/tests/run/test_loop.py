"""The loop: futures, tasks, timers, and turns that end in time."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from booty.run.loop import LONGEST_TURN, Cancelled, Future, Loop


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.time

    def wall(self) -> float:
        """Return the time."""
        return self.time


@pytest.fixture
def clock() -> Hands:
    """A clock."""
    return Hands()


@pytest.fixture
def loop(clock: Hands) -> Loop:
    """A loop by that clock."""
    return Loop(clock)


async def value(found: Any) -> Any:
    """Return what a future brings."""
    return await found


def test_what_a_future_wakes_runs_in_the_next_turn(loop: Loop) -> None:
    """Nobody runs inside the call that settles a future."""
    told: list[int] = []
    future: Future[int] = loop.future()
    future.on_done(lambda: told.append(future.result()))
    future.set(7)
    assert told == []

    loop.turn(0)
    assert told == [7]


def test_a_future_is_settled_once(loop: Loop) -> None:
    """A second value, or an exception after it, changes nothing."""
    future: Future[int] = loop.future()
    future.set(1)
    future.set(2)
    future.fail(ValueError())

    assert future.result() == 1


def test_a_task_returns_raises_and_waits(loop: Loop) -> None:
    """A coroutine's value and exception are those of its task."""
    future: Future[int] = loop.future()
    task = loop.task(value(future))
    loop.turn(0)
    assert not task.done
    future.set(3)
    assert loop.run_until(task) == 3

    failed: Future[int] = loop.future()
    failed.fail(KeyError("x"))
    with pytest.raises(KeyError):
        loop.run_until(loop.task(value(failed)))


def test_a_cancelled_task_cleans_up(loop: Loop) -> None:
    """Cancelled comes once; the coroutine may wait again while it cleans up."""
    told: list[str] = []
    last: Future[None] = loop.future()

    async def work() -> None:
        try:
            await loop.future()
        finally:
            told.append("cleaning")
            await last
            told.append("clean")

    task = loop.task(work())
    loop.turn(0)
    task.cancel()
    task.cancel()
    loop.turn(0)
    assert told == ["cleaning"]
    last.set(None)
    with pytest.raises(Cancelled):
        loop.run_until(task)
    assert told == ["cleaning", "clean"]


def test_first_leaves_no_callback_behind(loop: Loop) -> None:
    """A wait that is over, or was cancelled, is forgotten by all that it waited for."""
    never: Future[None] = loop.future()
    soon: Future[None] = loop.future()
    task = loop.task(loop.first(never, soon))
    loop.turn(0)
    soon.set(None)
    assert loop.run_until(task) is soon
    waiting = loop.task(loop.first(never))
    loop.turn(0)
    waiting.cancel()
    loop.turn(0)

    assert never._wakes == []


def test_first_gives_up_in_time(loop: Loop, clock: Hands) -> None:
    """After its timeout a wait returns nothing, and not a moment before."""
    task = loop.task(loop.first(loop.future(), timeout=5.0))
    loop.turn(0)
    clock.time += 4.9
    loop.turn(0)
    assert not task.done
    clock.time += 0.2
    assert loop.run_until(task) is None


def test_timers_fire_in_order_and_can_be_taken_back(loop: Loop, clock: Hands) -> None:
    """Timers go by their time, then by who came first."""
    told: list[str] = []

    def tell(name: str) -> Callable[[], None]:
        return lambda: told.append(name)

    loop.after(2.0, tell("late"))
    loop.after(1.0, tell("early"))
    loop.after(1.0, tell("early too"))
    loop.after(1.5, tell("never")).cancel()
    clock.time += 3
    loop.turn(0)

    assert told == ["early", "early too", "late"]


def test_a_turn_is_bounded(loop: Loop, clock: Hands) -> None:
    """Two hundred things to do keep nobody waiting who can be heard after the first few."""
    told: list[str] = []

    def work() -> None:
        told.append("work")
        clock.time += LONGEST_TURN / 2

    read, write = os.pipe()
    loop.watch(read, lambda: (told.append("heard"), loop.unwatch(read)))  # type: ignore[arg-type,return-value]  # two in one
    os.write(write, b"x")
    for _ in range(200):
        loop.soon(work)
    loop.turn(0)
    os.close(read)
    os.close(write)

    assert told.index("heard") == 2


def test_a_fault_of_one_is_no_fault_of_all(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    """An exception of a callback, or of a task that nobody waits for, is written down."""

    async def fails() -> None:
        raise RuntimeError("unheard")

    told: list[str] = []
    loop.soon(lambda: 1 / 0)  # type: ignore[arg-type,return-value]  # raises
    loop.task(fails())
    loop.soon(lambda: told.append("still here"))
    loop.turn(0)

    assert told == ["still here"]
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "unheard" in said


def test_what_was_put_off_is_written_before_the_wait(loop: Loop) -> None:
    """``before_wait`` comes after all that was to be done, once a turn."""
    told: list[str] = []
    loop.before_wait.append(lambda: told.append("written"))
    loop.soon(lambda: loop.soon(lambda: told.append("done")))
    loop.turn(0)

    assert told == ["done", "written"]


def test_run_until_gives_up(loop: Loop) -> None:
    """A future that nobody settles is not waited for longer than asked."""
    with pytest.raises(TimeoutError):
        Loop().run_until(loop.future(), timeout=0.01)
