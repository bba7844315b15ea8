"""Cases of topics that concern acknowledgements."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from booty.clients.capability import Capability
from booty.clients.errors import (
    UnimplementedError,
)
from booty.testing.conformance.topics.harness import CASES, TopicHarness
from booty.testing.conformance.topics.receiving import (
    SHORT,
    delivered,
    nothing,
    numbers,
    received,
    send_all,
    settled,
)


@CASES.case("P07", Capability.NACK)
async def nack(harness: TopicHarness) -> None:
    """What is given back comes again."""
    async with harness.pair() as (topic, one):
        await topic.send_many(numbers(3))
        for message in await received(one, 3):
            message.nack()
        assert await settled(one, 3) == set(numbers(3))


@CASES.case("P08", lacks=(Capability.NACK,))
async def no_nack(harness: TopicHarness) -> None:
    """A driver that takes nothing back says so."""
    async with harness.pair() as (topic, one):
        await topic.send(b"x")
        message = await one.receive()
        assert not message.nackable
        with pytest.raises(UnimplementedError):
            message.nack()
        message.ack()


@CASES.case("P09", Capability.BATCH)
async def small_batches(harness: TopicHarness) -> None:
    """More messages than a batch holds are sent, received and acknowledged."""
    await _batches(harness, "6")


@CASES.case("P10", Capability.BATCH)
async def batches_beyond_the_largest(harness: TopicHarness) -> None:
    """A batch that the driver cannot take becomes the largest that it can."""
    await _batches(harness, "1000000")


async def _batches(harness: TopicHarness, batch: str) -> None:
    name = harness.name()
    async with (
        harness.topic_of(name, batch=batch) as topic,
        harness.subscribed(name, batch=batch) as one,
    ):
        await send_all(topic, numbers(12))
        assert await settled(one, 12) == set(numbers(12))
        await one.flush()
        assert await nothing(one, 0.1)


@CASES.case("P11")
async def ack_again(harness: TopicHarness) -> None:
    """The driver takes a second acknowledgement of one message for none."""
    name = harness.name()
    driver = harness.subscription_driver(name)
    async with harness.topic_of(name) as topic:
        await topic.send(b"x")
        (delivery,) = await delivered(driver, 1)
        await driver.ack([delivery.token])
        await driver.ack([delivery.token])
    await driver.close()


@CASES.case("P12", Capability.NACK)
async def nack_what_is_acked(harness: TopicHarness) -> None:
    """The driver gives back only what is not acknowledged."""
    name = harness.name()
    driver = harness.subscription_driver(name)
    async with harness.topic_of(name) as topic:
        await topic.send_many(numbers(3))
        found = await delivered(driver, 3)
        await driver.ack([found[0].token, found[1].token])
        await driver.nack([one.token for one in found], 0.0)
        (again,) = await delivered(driver, 1)
        assert again.body == found[2].body
        await driver.ack([again.token])
    await driver.close()


@CASES.case("P42", Capability.REDELIVERY)
async def redelivery(harness: TopicHarness) -> None:
    """What nobody acknowledges comes again when its time is over, with a higher count."""
    async with harness.pair(ack_wait=f"{SHORT}s") as (topic, one):
        await topic.send(b"x")
        first = await one.receive()
        again = await one.receive()
        again.ack()
        assert (again.body, again.id) == (first.body, first.id)
        assert again.count > first.count


@CASES.case("P46", Capability.DELAY)
async def nack_for_later(harness: TopicHarness) -> None:
    """What is given back for later does not come before that."""
    async with harness.pair() as (topic, one):
        await topic.send(b"x")
        begin = anyio.current_time()
        (await one.receive()).nack(SHORT)
        again = await one.receive()
        again.ack()
        assert anyio.current_time() - begin >= SHORT * 0.9


@CASES.case("P52", Capability.EXTEND)
async def extend(harness: TopicHarness) -> None:
    """What is being worked on comes to nobody else, though it takes longer than its time."""
    async with harness.pair(ack_wait=f"{SHORT}s") as (topic, one):
        await topic.send(b"x")
        async with await one.receive() as message:
            assert await nothing(one, SHORT * 2.5)
        assert message.count == 1
        await one.flush()
        assert await nothing(one, SHORT * 1.5)


@CASES.case("P54", Capability.REDELIVERY)
async def late_ack(harness: TopicHarness) -> None:
    """An acknowledgement after the time is over is no error, and the message is done."""
    async with harness.pair(ack_wait=f"{SHORT}s") as (topic, one):
        await topic.send(b"x")
        first = await one.receive()
        await one.receive()
        first.ack()
        await one.flush()
        assert await nothing(one, SHORT * 2)
