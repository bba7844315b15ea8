"""Signals as something the loop waits for."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator

import pytest
from booty.run.loop import Loop
from booty.run.signals import listen, wakeup

PATIENCE = 30.0
USED = (signal.SIGUSR1, signal.SIGUSR2)


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop; signals are as before afterwards."""
    before = {number: signal.getsignal(number) for number in USED}
    made = Loop()
    yield made
    signal.set_wakeup_fd(-1)
    for number, call in before.items():
        signal.signal(number, call)
    made.close()


def test_each_is_told_in_the_loop(loop: Loop) -> None:
    """A signal calls back in a turn, never in the middle of something; others are not mixed up."""
    told: list[str] = []
    first, second = loop.future(), loop.future()
    listen(
        loop,
        {
            signal.SIGUSR1: lambda: (told.append("one"), first.set(None))[0],
            signal.SIGUSR2: lambda: (told.append("two"), second.set(None))[0],
        },
    )
    os.kill(os.getpid(), signal.SIGUSR1)
    assert told == []
    loop.run_until(first, PATIENCE)
    os.kill(os.getpid(), signal.SIGUSR2)
    loop.run_until(second, PATIENCE)

    assert told == ["one", "two"]


def test_many_are_one(loop: Loop) -> None:
    """A hundred of one kind that came before a turn call back once; none wakes it for ever."""
    told: list[int] = []
    seen = loop.future()
    listen(loop, {signal.SIGUSR1: lambda: (told.append(1), seen.set(None))[0]})
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGUSR1)
    loop.run_until(seen, PATIENCE)
    loop.turn(0)

    assert told == [1]


def test_woken_while_it_waits(loop: Loop) -> None:
    """A wait that has no loop is ended by a signal as well."""
    signal.signal(signal.SIGUSR1, lambda *_: None)
    fd = wakeup()
    os.kill(os.getpid(), signal.SIGUSR1)
    readable, _, _ = select.select([fd], [], [], PATIENCE)

    assert readable == [fd]
    assert os.read(fd, 10) == bytes([signal.SIGUSR1])
