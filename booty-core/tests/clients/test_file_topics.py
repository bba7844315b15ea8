"""How a ``file://`` topic does its work: its thread, its transactions, any order of settling."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import weakref
from pathlib import Path

import anyio
import booty
import pytest
from booty.clients.pubsub.store import Store
from booty.clients.pubsub.worker import Worker

SECONDS = 10.0
FULL, NORMAL = 2, 1
"""What SQLite calls the values of ``synchronous``."""


def test_a_worker_keeps_the_order_and_tells_what_was_raised() -> None:
    """One call after another; a fault is that of its own call."""
    told: list[int] = []

    async def main() -> None:
        worker = Worker("test")
        calls = [worker.start(lambda number=number: told.append(number)) for number in range(50)]
        fault = worker.start(lambda: 1 // 0)
        after = worker.start(threading.current_thread)
        await asyncio.gather(*calls)
        with pytest.raises(ZeroDivisionError):
            await fault
        thread = await after
        worker.close()
        thread.join(SECONDS)
        assert not thread.is_alive()

    anyio.run(main)
    assert told == list(range(50))


def test_what_was_given_up_before_it_began_is_not_done() -> None:
    """A call that is cancelled in the queue is left out; one under way ends, and nobody is told."""
    told: list[str] = []

    async def main() -> None:
        worker, goes = Worker("test"), threading.Event()
        first = worker.start(lambda: (goes.wait(SECONDS), told.append("first")))
        second = worker.start(lambda: told.append("second"))
        first.cancel()
        second.cancel()
        goes.set()
        await worker.start(lambda: told.append("third"))
        worker.close()

    anyio.run(main)
    assert told in (["first", "third"], ["third"])


def test_a_worker_that_nobody_closed_ends() -> None:
    """Its thread does not outlive it, and keeps nothing of what it was asked for."""

    class Asked:
        def __call__(self) -> threading.Thread:
            return threading.current_thread()

    async def main() -> tuple[threading.Thread, weakref.ref[Asked]]:
        worker, asked = Worker("test"), Asked()
        return await worker.start(asked), weakref.ref(asked)

    thread, asked = anyio.run(main)
    gc.collect()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert asked() is None


def test_a_loop_that_ends_first() -> None:
    """A call that outlives its loop is done, and the thread takes the next one."""
    goes, told = threading.Event(), threading.Event()
    worker = Worker("test")

    async def leave() -> None:
        worker.start(lambda: goes.wait(SECONDS))

    async def come() -> None:
        await worker.start(told.set)

    anyio.run(leave)
    goes.set()
    anyio.run(come)
    assert told.is_set()


@pytest.mark.parametrize(("sync", "stored"), [("full", FULL), ("normal", NORMAL)])
def test_what_is_stored_outlives_a_loss_of_power(tmp_path: Path, sync: str, stored: int) -> None:
    """Only who has what need not be on the disk, and what is stored after that is again."""

    def known(*, lasting: bool) -> int:
        with store.turn(lasting=lasting) as connection:
            return int(connection.execute("PRAGMA synchronous").fetchone()[0])

    store = Store(str(tmp_path / "t"), create=True, sync=sync)  # type: ignore[arg-type]  # one of two
    assert [known(lasting=one) for one in (True, False, True)] == [stored, NORMAL, stored]
    with pytest.raises(LookupError), store.turn(lasting=False):
        raise LookupError
    assert known(lasting=True) == stored
    store.close()


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_acknowledgements(tmp_path: Path, seed: int) -> None:
    """With keys, holes and two subscriptions: what is not acknowledged comes again, no more."""
    dice = random.Random(seed)
    url = f"file://{tmp_path}/t?create=true"
    sent = {b"%d" % number: dice.choice(["", "", "a", "b"]) for number in range(60)}

    async def some(name: str) -> set[bytes]:
        done = set()
        async with booty.open_subscription(f"{url}&durable={name}&ack_wait=60s") as one:
            for _ in range(len(sent)):
                message = await one.receive()
                if dice.random() < 0.6:
                    message.ack()
                    done.add(message.body)
                else:
                    message.nack()
        return done

    async def rest(name: str, count: int) -> list[tuple[bytes, str]]:
        async with booty.open_subscription(f"{url}&durable={name}") as one:
            found = []
            for _ in range(count):
                message = await one.receive()
                message.ack()
                found.append((message.body, message.key))
            await one.flush()
            with anyio.move_on_after(0.05):
                pytest.fail(f"{(await one.receive()).body!r} came twice")
            return found

    async def main() -> None:
        async with booty.open_topic(url) as topic:
            messages = [booty.Outgoing(body=body, key=key) for body, key in sent.items()]
            await topic.send_many(messages)
        for name in ("one", "two"):
            async with booty.open_subscription(f"{url}&durable={name}") as one:
                (await one.receive()).nack()  # it is there from now on
        for name in ("one", "two"):
            done = await some(name)
            left = await rest(name, len(sent) - len(done))
            assert {body for body, _ in left} == set(sent) - done
            for key in ("a", "b"):
                numbers = [int(body) for body, its in left if its == key]
                assert numbers == sorted(numbers)

    with anyio.from_thread.start_blocking_portal() as portal:
        portal.start_task_soon(main).result(20)
