"""Cases of topics that concern what is promised beyond one message."""

from __future__ import annotations

import anyio
import anyio.lowlevel

from booty.clients.capability import Capability
from booty.clients.pubsub.dead import COUNT, ID, TOPIC
from booty.testing.conformance.topics.harness import CASES, TopicHarness
from booty.testing.conformance.topics.receiving import (
    collect,
    nothing,
    numbers,
    received,
    settled,
)


@CASES.case("P43", Capability.DEDUPE)
async def dedupe(harness: TopicHarness) -> None:
    """An id is stored once within the window, and again after it."""
    name = harness.name()
    async with (
        harness.topic_of(name, dedupe_window="500ms") as topic,
        harness.subscribed(name) as one,
    ):
        await topic.send(b"x", id="a")
        await topic.send(b"x", id="a")
        assert await settled(one, 1) == {b"x"}
        assert await nothing(one, 0.1)
        while await nothing(one, 0.1):  # the window is not over
            await topic.send(b"x", id="a")


@CASES.case("P44", Capability.DURABLE)
async def restart(harness: TopicHarness) -> None:
    """After a restart nothing acknowledged comes again, and all else does."""
    name = harness.name()
    async with (
        harness.topic_of(name) as topic,
        harness.subscribed(name, ack_wait="1s") as one,
    ):
        await topic.send_many(numbers(20))
        found = await received(one, 10)
        for message in found:
            message.ack()
        await one.flush()
        done = {message.body for message in found}
        await harness.restart()
        await topic.send(b"after")
        wanted, seen = {*numbers(20), b"after"} - done, set[bytes]()
        while seen != wanted:  # at least once: what was not acknowledged may come twice
            seen |= await settled(one, 1)
            assert not seen & done
        await one.flush()


@CASES.case("P45", Capability.REPLICATED)
async def leader_killed(harness: TopicHarness) -> None:
    """With three servers nothing stored is lost with the leader, and sending goes on."""
    name = harness.name()
    async with harness.topic_of(name) as topic, harness.subscribed(name) as one:
        stored = set(numbers(200))
        await topic.send_many(sorted(stored))
        await harness.kill_leader(name)
        await topic.send(b"after")
        seen: set[bytes] = set()
        while seen != stored | {b"after"}:  # at least once
            seen |= await settled(one, 1)


@CASES.case("P47", Capability.ORDERING)
async def order_of_one_sender(harness: TopicHarness) -> None:
    """What one sender sends is received in that order."""
    async with harness.pair() as (topic, one):
        await topic.send_many(numbers(1000))
        found = await received(one, 1000)
        for message in found:
            message.ack()
        assert [message.body for message in found] == numbers(1000)


@CASES.case("P48", Capability.DEAD_LETTER)
async def dead_letter(harness: TopicHarness) -> None:
    """What fails three times is set aside, and nothing behind it waits."""
    name = harness.name()
    dead = f"{name}dead"
    async with (
        harness.subscribed(name, max_deliver="3", dead_letter=dead) as one,
        harness.topic_of(name) as topic,
    ):
        await topic.send(b"bad", {"who": "me"}, id="first")
        await topic.send_many([b"a", b"b"])
        seen: list[bytes] = []
        while len(seen) < 5:
            message = await one.receive()
            seen.append(message.body)
            message.nack() if message.body == b"bad" else message.ack()
        assert sorted(seen) == [b"a", b"b", b"bad", b"bad", b"bad"]
        await one.flush()
        assert await nothing(one, 0.1)
    async with harness.subscribed(dead) as letters:
        letter = await letters.receive()
        letter.ack()
    assert (letter.body, letter.metadata["who"]) == (b"bad", "me")
    assert name in letter.metadata[TOPIC]
    assert (letter.metadata[COUNT], bool(letter.metadata[ID])) == ("3", True)


@CASES.case("P49", Capability.ORDERING, Capability.NACK)
async def order_of_a_key(harness: TopicHarness) -> None:
    """Of one key one message is out at any time, in order though one comes again."""
    async with harness.pair() as (topic, one):
        for number in range(6):
            await topic.send(b"%d" % number, key=f"k{number % 2}")
        seen: dict[str, list[bytes]] = {"k0": [], "k1": []}
        given_back = False
        while sum(map(len, seen.values())) < 6:
            message = await one.receive()
            if message.body == b"0" and not given_back:
                given_back = True
                message.nack()
                continue
            seen[message.key].append(message.body)
            message.ack()
        assert seen == {"k0": [b"0", b"2", b"4"], "k1": [b"1", b"3", b"5"]}


@CASES.case("P50")
async def flow(harness: TopicHarness) -> None:
    """No more is held than allowed; what is settled makes room."""
    async with harness.pair(max_outstanding="10") as (topic, one):
        await topic.send_many(numbers(30))
        held = await received(one, 10)
        assert await nothing(one, 0.1)
        held[0].ack()
        held.append(await one.receive())
        for message in held[1:]:
            message.ack()
        for _ in range(19):
            (await one.receive()).ack()
        await one.flush()


@CASES.case("P51")
async def drain(harness: TopicHarness) -> None:
    """Closing hands over every acknowledgement, and gives back what nobody has seen."""
    name = harness.name()
    async with harness.topic_of(name) as topic:
        await topic.send_many(numbers(50))
        async with harness.subscribed(name, ack_wait="2s") as one:
            done = await settled(one, 20)
        async with harness.subscribed(name, ack_wait="2s") as one:
            assert await settled(one, 30) == set(numbers(50)) - done
            await one.flush()
            assert await nothing(one, 0.1)


@CASES.case("P55", Capability.BATCH)
async def many(harness: TopicHarness) -> None:
    """Thousands sent together arrive, each once, at several receivers."""
    name = harness.name()
    async with (
        harness.topic_of(name) as topic,
        harness.subscribed(name) as one,
        harness.subscribed(name) as two,
    ):
        await topic.send_many(numbers(3000))
        seen: list[bytes] = []
        async with anyio.create_task_group() as tasks:
            for subscription in (one, two):
                tasks.start_soon(collect, subscription, seen, 3000, tasks.cancel_scope)
        assert len(seen) == 3000
        assert set(seen) == set(numbers(3000))


@CASES.case("P57", Capability.REDELIVERY)
async def ten_thousand_unsettled(harness: TopicHarness) -> None:
    """Ten thousand that nobody settled are all there again for the next."""
    name, count = harness.name(), 10_000
    flow = {"max_outstanding": str(count), "ack_wait": "5s"}
    async with harness.topic_of(name) as topic:
        await topic.send_many(numbers(count))
        async with harness.subscribed(name, **flow) as one:
            found = await received(one, count)
            assert len({message.body for message in found}) == count
            for message in found:
                message.nack()
            await one.flush()
        async with harness.subscribed(name, **flow) as one:
            seen: set[bytes] = set()
            while len(seen) < count:
                seen |= await settled(one, 1000)
            await one.flush()
