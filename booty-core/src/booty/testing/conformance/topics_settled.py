"""Cases of topics that concern acknowledgements."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from booty.clients.capability import Capability
from booty.clients.errors import (
    UnimplementedError,
)
from booty.testing.conformance.case import case
from booty.testing.conformance.receiving import (
    SHORT,
    delivered,
    nothing,
    numbers,
    received,
    send_all,
    settled,
)
from booty.testing.conformance.topic_harness import TopicHarness

__all__ = ["Settling"]


class Settling:
    """Cases of topics that concern acknowledgements."""

    @case("P07", Capability.NACK)
    async def test_p07_nack(self, harness: TopicHarness) -> None:
        """What is given back comes again."""
        async with harness.pair() as (topic, one):
            await topic.send_many(numbers(3))
            for message in await received(one, 3):
                message.nack()
            assert await settled(one, 3) == set(numbers(3))

    @case("P08", without=Capability.NACK)
    async def test_p08_no_nack(self, harness: TopicHarness) -> None:
        """A driver that takes nothing back says so."""
        async with harness.pair() as (topic, one):
            await topic.send(b"x")
            message = await one.receive()
            assert not message.nackable
            with pytest.raises(UnimplementedError):
                message.nack()
            message.ack()

    @case("P09", Capability.BATCH)
    async def test_p09_small_batches(self, harness: TopicHarness) -> None:
        """More messages than a batch holds are sent, received and acknowledged."""
        await self._batches(harness, "6")

    @case("P10", Capability.BATCH)
    async def test_p10_batches_beyond_the_largest(self, harness: TopicHarness) -> None:
        """A batch that the driver cannot take becomes the largest that it can."""
        await self._batches(harness, "1000000")

    async def _batches(self, harness: TopicHarness, batch: str) -> None:
        name = harness.name()
        async with (
            harness.topic_of(name, batch=batch) as topic,
            harness.subscribed(name, batch=batch) as one,
        ):
            await send_all(topic, numbers(12))
            assert await settled(one, 12) == set(numbers(12))
            await one.flush()
            assert await nothing(one, 0.1)

    @case("P11")
    async def test_p11_ack_again(self, harness: TopicHarness) -> None:
        """The driver takes a second acknowledgement of one message for none."""
        name = harness.name()
        driver = harness.subscription_driver(name)
        async with harness.topic_of(name) as topic:
            await topic.send(b"x")
            (delivery,) = await delivered(driver, 1)
            await driver.ack([delivery.token])
            await driver.ack([delivery.token])
        await driver.close()

    @case("P12", Capability.NACK)
    async def test_p12_nack_what_is_acked(self, harness: TopicHarness) -> None:
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

    @case("P42", Capability.REDELIVERY)
    async def test_p42_redelivery(self, harness: TopicHarness) -> None:
        """What nobody acknowledges comes again when its time is over, with a higher count."""
        async with harness.pair(ack_wait=f"{SHORT}s") as (topic, one):
            await topic.send(b"x")
            first = await one.receive()
            again = await one.receive()
            again.ack()
            assert (again.body, again.id) == (first.body, first.id)
            assert again.count > first.count

    @case("P46", Capability.DELAY)
    async def test_p46_nack_for_later(self, harness: TopicHarness) -> None:
        """What is given back for later does not come before that."""
        async with harness.pair() as (topic, one):
            await topic.send(b"x")
            begin = anyio.current_time()
            (await one.receive()).nack(SHORT)
            again = await one.receive()
            again.ack()
            assert anyio.current_time() - begin >= SHORT * 0.9

    @case("P52", Capability.EXTEND)
    async def test_p52_extend(self, harness: TopicHarness) -> None:
        """What is being worked on comes to nobody else, though it takes longer than its time."""
        async with harness.pair(ack_wait=f"{SHORT}s") as (topic, one):
            await topic.send(b"x")
            async with await one.receive() as message:
                assert await nothing(one, SHORT * 2.5)
            assert message.count == 1
            await one.flush()
            assert await nothing(one, SHORT * 1.5)

    @case("P54", Capability.REDELIVERY)
    async def test_p54_late_ack(self, harness: TopicHarness) -> None:
        """An acknowledgement after the time is over is no error, and the message is done."""
        async with harness.pair(ack_wait=f"{SHORT}s") as (topic, one):
            await topic.send(b"x")
            first = await one.receive()
            await one.receive()
            first.ack()
            await one.flush()
            assert await nothing(one, SHORT * 2)
