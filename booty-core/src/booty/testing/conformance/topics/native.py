"""Cases of topics that concern what lies below."""

from __future__ import annotations

import pytest

from booty.clients.capability import Capability
from booty.clients.errors import (
    ClientError,
)
from booty.clients.pubsub.message import Outgoing
from booty.clients.pubsub.opening import open_subscription, open_topic
from booty.testing.conformance.topics.harness import CASES, TopicHarness
from booty.testing.conformance.topics.receiving import (
    nothing,
    settled,
)


@CASES.case("P21", Capability.HOOKS)
async def hooks(harness: TopicHarness) -> None:
    """Hooks run once a message; what one raises fails that message alone."""
    seen: list[str] = []
    message = Outgoing(
        body=b"x",
        before_send=lambda _native: seen.append("before"),
        after_send=lambda _native: seen.append("after"),
    )
    async with harness.pair() as (topic, one):
        await topic.send_many([message] * 3)
        assert sorted(seen) == ["after"] * 3 + ["before"] * 3

        with pytest.raises(ClientError) as caught:
            await topic.send(b"y", before_send=_refuse)
        assert isinstance(caught.value.native, ZeroDivisionError)
        assert await settled(one, 3) == {b"x"}
        await one.flush()
        assert await nothing(one, 0.1)


@CASES.case("P22", Capability.NATIVE)
async def native(harness: TopicHarness) -> None:
    """The library's own objects can be had, by their types only."""
    assert harness.native is not None
    async with harness.pair() as (topic, one):
        await topic.send(b"x")
        message = await one.receive()
        message.ack()
        assert isinstance(topic.native(harness.native), harness.native)
        assert isinstance(one.native(harness.native), harness.native)
        assert message.native(harness.native_message) is not None
        assert topic.native(dict) is one.native(dict) is message.native(dict) is None
        assert topic.native(None) is one.native(None) is message.native(None) is None


@CASES.case("P23", Capability.NATIVE)
async def native_errors(harness: TopicHarness) -> None:
    """What the library raised can be had from the error."""
    name = harness.name()
    async with (
        open_topic(harness.missing_topic(name)) as topic,
        open_subscription(harness.missing_subscription(name)) as one,
    ):
        with pytest.raises(ClientError) as sent:
            await topic.send(b"x")
        with pytest.raises(ClientError) as received:
            await one.receive()
    assert sent.value.native is not None
    assert received.value.native is not None


def _refuse(_native: object) -> None:
    raise ZeroDivisionError
