"""Cases of topics that concern sending and receiving."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from booty.clients.capability import Capability
from booty.clients.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from booty.clients.pubsub.opening import open_subscription, open_topic
from booty.testing.conformance.data import ODD
from booty.testing.conformance.topics.harness import CASES, TopicHarness
from booty.testing.conformance.topics.receiving import (
    PROMPT,
    nothing,
    numbers,
    received,
    settled,
)


@CASES.case("P01")
async def missing_topic(harness: TopicHarness) -> None:
    """A topic that is not there is told by the first send."""
    async with open_topic(harness.missing_topic(harness.name())) as topic:
        with pytest.raises(NotFoundError):
            await topic.send(b"x")


@CASES.case("P02")
async def missing_subscription(harness: TopicHarness) -> None:
    """A subscription that is not there is told at once, not when a deadline ends."""
    name = harness.name()
    async with harness.topic_of(name) as topic:
        await topic.send(b"x")
    for where in (name, harness.name()):  # on a topic that is there, and on one that is not
        async with open_subscription(harness.missing_subscription(where)) as one:
            with anyio.fail_after(PROMPT), pytest.raises(NotFoundError):
                await one.receive()


@CASES.case("P03")
async def send_receive(harness: TopicHarness) -> None:
    """What is sent is received, with its metadata."""
    async with harness.pair() as (topic, one):
        for number in range(3):
            await topic.send(b"%d" % number, {"n": str(number)})
        found = await received(one, 3)
        for message in found:
            message.ack()
        assert {(m.body, m.metadata["n"]) for m in found} == {
            (b"0", "0"),
            (b"1", "1"),
            (b"2", "2"),
        }


@CASES.case("P04")
async def loggable_id(harness: TopicHarness) -> None:
    """A received message has an id for logs."""
    async with harness.pair() as (topic, one):
        await topic.send(b"x")
        message = await one.receive()
        message.ack()
        assert message.id


@CASES.case("P05", Capability.FANOUT)
async def two_subscriptions(harness: TopicHarness) -> None:
    """Each subscription of a topic gets every message."""
    name = harness.name()
    async with (
        harness.subscribed(name, "one") as one,
        harness.subscribed(name, "two") as two,
        harness.topic_of(name) as topic,
    ):
        await nothing(one, 0.05)
        await nothing(two, 0.05)
        await topic.send_many(numbers(3))
        assert await settled(one, 3) == await settled(two, 3) == set(numbers(3))


@CASES.case("P06")
async def json(harness: TopicHarness) -> None:
    """A JSON body arrives byte for byte."""
    async with harness.pair() as (topic, one):
        await topic.send(b'{"Foo": "Bar"}')
        assert await settled(one, 1) == {b'{"Foo": "Bar"}'}


@CASES.case("P13")
async def topic_closed(harness: TopicHarness) -> None:
    """A closed topic takes nothing, and cannot be closed again."""
    topic = open_topic(harness.topic(harness.name()))
    await topic.close()
    with pytest.raises(FailedPreconditionError):
        await topic.send(b"x")
    with pytest.raises(FailedPreconditionError):
        await topic.close()


@CASES.case("P14")
async def subscription_closed(harness: TopicHarness) -> None:
    """A closed subscription gives nothing, and cannot be closed again."""
    one = open_subscription(harness.subscription(harness.name(), "one"))
    await one.close()
    with pytest.raises(FailedPreconditionError):
        await one.receive()
    with pytest.raises(FailedPreconditionError):
        await one.close()


@CASES.case("P15")
async def cancelled_send(harness: TopicHarness) -> None:
    """A send in a cancelled scope ends at once."""
    async with harness.topic_of(harness.name()) as topic:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await topic.send(b"x")
        assert scope.cancelled_caught


@CASES.case("P16")
async def cancelled_receive(harness: TopicHarness) -> None:
    """A receive in a cancelled scope ends at once, and the next one gets the message."""
    async with harness.pair() as (topic, one):
        await topic.send(b"x")
        for _ in range(3):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await one.receive()
            assert scope.cancelled_caught
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.receive)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert await settled(one, 1) == {b"x"}


@CASES.case("P17", Capability.METADATA)
async def odd_metadata(harness: TopicHarness) -> None:
    """Any text may be a name or a value."""
    groups = [list(ODD.values())[:9], list(ODD.values())[9:]]
    async with harness.pair() as (topic, one):
        for group in groups:
            await topic.send(b"x", {text: text for text in group})
        found = await received(one, len(groups))
        for message in found:
            message.ack()
        wanted = [{text: text for text in group} for group in groups]
        assert sorted(map(len, (m.metadata for m in found))) == sorted(map(len, wanted))
        assert all(dict(m.metadata) in wanted for m in found)


@CASES.case("P18", Capability.METADATA)
async def name_that_is_no_text(harness: TopicHarness) -> None:
    """Half of a character is refused in a name."""
    async with harness.topic_of(harness.name()) as topic:
        with pytest.raises(InvalidArgumentError):
            await topic.send(b"x", {"\ud800": "x"})


@CASES.case("P19", Capability.METADATA)
async def value_that_is_no_text(harness: TopicHarness) -> None:
    """Half of a character is refused in a value."""
    async with harness.topic_of(harness.name()) as topic:
        with pytest.raises(InvalidArgumentError):
            await topic.send(b"x", {"x": "\ud800"})


@CASES.case("P20")
async def any_bytes(harness: TopicHarness) -> None:
    """A body may be any bytes, and none."""
    bodies = {bytes(range(256)), b"\xff\x00\xfe", b""}
    async with harness.pair() as (topic, one):
        await topic.send_many(bodies)
        assert await settled(one, 3) == bodies


@CASES.case("P53")
async def too_large(harness: TopicHarness) -> None:
    """A body over the limit is refused, those beside it are not lost."""
    async with harness.pair() as (topic, one):
        with pytest.raises(InvalidArgumentError):
            await topic.send(bytes(harness.too_large))
        with pytest.raises(InvalidArgumentError):
            await topic.send_many([b"a", b"b", bytes(harness.too_large)])
        assert await settled(one, 2) == {b"a", b"b"}
