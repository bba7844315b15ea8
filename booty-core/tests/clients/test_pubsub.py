"""The portable types alone, beyond the cases of the suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import booty
import pytest
from booty.clients.pubsub.opening import open_subscription, open_topic
from booty.clients.pubsub.subscription import Subscription
from booty.clients.pubsub.topic import Topic
from booty.testing.conformance.topics.fake import Fake, Retry, got, subscription, topic

SECONDS = 10.0


def run(body: Callable[..., Awaitable[Any]], *arguments: Any, **fields: Any) -> Any:
    """Run a coroutine in a loop of its own, with a deadline."""

    async def inner() -> Any:
        with anyio.fail_after(SECONDS):
            return await body(*arguments, **fields)

    return anyio.run(inner)


async def opened(url: str, kind: str) -> str:
    """Open and close, and return the name."""
    one: Topic | Subscription = open_topic(url) if kind == "topic" else open_subscription(url)
    async with one:
        return one.name


def test_dead_letters_need_a_number() -> None:
    """Where to without when is refused, so is a number below which nothing could be delivered."""
    with pytest.raises(booty.InvalidArgumentError) as caught:
        run(opened, "mem://orders?dead_letter=dead", "subscription")
    assert "max_deliver" in str(caught.value.hint)


def test_sends_go_together_in_order() -> None:
    """What is sent while a send is under way is one batch after it, in the order of the calls."""

    async def body() -> None:
        driver = Fake()
        async with topic(driver) as one, anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(one.send, b"%d" % number)
        assert driver.sent == [[b"0"], [b"%d" % number for number in range(1, 10)]]

    run(body)


def test_a_send_that_is_given_up_is_not_sent() -> None:
    """A message still in the queue is taken back when its caller is cancelled."""

    async def body() -> None:
        driver = Fake()
        async with topic(driver) as one, anyio.create_task_group() as tasks:
            tasks.start_soon(one.send, b"first")
            await anyio.lowlevel.checkpoint()
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as inner:
                    inner.start_soon(one.send, b"second")
                    await anyio.lowlevel.cancel_shielded_checkpoint()
                    scope.cancel()
            await one.flush()
        assert driver.sent == [[b"first"]]

    run(body)


def test_a_close_that_is_given_up_ends_every_send() -> None:
    """Nobody waits for ever for what was not stored: in the queue, or tried again and again."""

    async def body() -> None:
        driver = Fake(faults={"send": [Retry() for _ in range(10_000)]})
        one = topic(driver)
        codes = []

        async def send() -> None:
            with pytest.raises(booty.ClientError) as caught:
                await one.send(b"x")
            codes.append(caught.value.code)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(send)
            await anyio.lowlevel.checkpoint()
            with anyio.move_on_after(0.02):
                await one.close()
        assert sorted(codes) == ["canceled", "canceled", "resource-exhausted"]

    run(body)


def test_a_block_that_is_cancelled_hands_over_what_was_settled() -> None:
    """A program that is stopped has its acknowledgements taken, unless the driver hangs."""

    async def body() -> None:
        for hangs in (frozenset[str](), frozenset(("ack",))):
            driver = Fake(batches=[[1]], hangs=hangs)
            with anyio.CancelScope() as scope:
                async with subscription(driver) as one:
                    (await one.receive()).ack()
                    scope.cancel()
                    await anyio.Event().wait()
            assert (driver.closed, driver.told) == (1, [] if hangs else [("ack", [1])])

    run(body)


def test_what_lay_too_long_is_not_handed_out() -> None:
    """A message taken ahead whose deadline passed belongs to somebody else by now."""

    async def body() -> None:
        driver = Fake(batches=[[1, 2], [3]])
        async with subscription(driver) as one:
            for message in await got(one, 1):
                message.ack()
            intake = one._intake
            while not intake._ready:
                intake._room.set()
                with anyio.move_on_after(0.01):
                    await intake.wait()
            intake._ready[0].delivery.expires = 0.0
            assert (await one.receive()).body == b"3"

    run(body)


def test_a_message_as_a_block() -> None:
    """A block acknowledges at its end, gives back when it raises, and leaves alone what is done."""

    async def body() -> None:
        driver = Fake(batches=[[1], [2], [3]])
        async with subscription(driver) as one:
            async with await one.receive():
                pass
            with pytest.raises(ZeroDivisionError):
                async with await one.receive():
                    raise ZeroDivisionError
            async with await one.receive() as message:
                message.nack(1.0)
        assert driver.told == [("ack", [1]), ("nack", [2]), ("nack", [3])]

    run(body)


def test_iteration_ends_with_the_subscription() -> None:
    """``async for`` ends without an error when somebody drains."""

    async def body() -> None:
        driver = Fake(batches=[[1, 2]])
        seen = []
        async with subscription(driver) as one:
            async for message in one:
                seen.append(message.body)
                message.ack()
                if len(seen) == 2:
                    await one.drain()
        assert seen == [b"1", b"2"]

    run(body)


def test_drain_waits_for_what_is_worked_on() -> None:
    """Draining gives back what nobody has seen, and waits for the rest."""

    async def body() -> None:
        driver = Fake(batches=[[1, 2]])
        one = subscription(driver)
        message = await one.receive()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.drain)
            await anyio.lowlevel.checkpoint()
            assert ("ack", [1]) not in driver.told
            message.ack()
        assert ("ack", [1]) in driver.told
        await one.close()
        with pytest.raises(booty.FailedPreconditionError):
            message.ack()

    run(body)


def test_a_failed_burial_is_told_and_loses_nothing() -> None:
    """Where the dead-letter topic is missing, the message is kept and somebody hears of it."""

    async def body() -> None:
        url = "mem://hopeless?max_deliver=1&dead_letter=mem://nowhere%3Fcreate=false"
        async with open_subscription(url) as one, open_topic("mem://hopeless") as source:
            await source.send(b"x")
            (await one.receive()).nack()
            with pytest.raises(booty.NotFoundError):
                await one.flush()

    run(body)


@pytest.mark.parametrize("delay", [-1.0, float("inf"), float("nan")])
def test_a_delay_that_is_none(delay: float) -> None:
    """Only a finite number from 0 is a delay; the message is not settled by the mistake."""

    async def body() -> None:
        driver = Fake(batches=[[1]])
        async with subscription(driver) as one:
            message = await one.receive()
            with pytest.raises(booty.InvalidArgumentError):
                message.nack(delay)
            message.ack()
        assert driver.told == [("ack", [1])]

    run(body)


def test_a_body_is_bytes() -> None:
    """Text is refused with what to do, and so is a limit below one."""

    async def body() -> None:
        async with topic(Fake()) as one, subscription(Fake()) as sub:
            with pytest.raises(booty.InvalidArgumentError, match="str"):
                await one.send("text")  # type: ignore[arg-type]  # that is the mistake
            with pytest.raises(booty.InvalidArgumentError):
                await one.send(b"x", {"": "y"})
            with pytest.raises(booty.InvalidArgumentError):
                await sub.receive_many(0)

    run(partial(body))


def test_no_driver_is_asked_for_nothing() -> None:
    """Where less is taken ahead from now on, what lies here may be enough: nobody is asked then."""

    async def body() -> None:
        driver = Fake(batches=[[0, 1, 2, 3]])
        async with subscription(driver) as one:
            ahead = one._intake.prefetch
            ahead.size = 8
            await one.receive()
            while len(driver.asked) < 2:
                await anyio.lowlevel.checkpoint()
            ahead._since = -1e9  # the consumer has taken its time
            driver.more.set()
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
        assert min(driver.asked) > 0

    run(body)
