"""Cases of the portable types themselves, over a driver that records its calls; they run once."""

from __future__ import annotations

import itertools

import anyio
import anyio.lowlevel
import pytest

from booty.clients.errors import (
    ClientError,
    Code,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
)
from booty.clients.pubsub.opening import open_subscription, open_topic
from booty.clients.pubsub.prefetch import Prefetch
from booty.clients.pubsub.subscription import Subscription
from booty.clients.pubsub.topic import Topic
from booty.testing.conformance.topics.fake import (
    Fake,
    Fatal,
    Retry,
    endless,
    got,
    subscription,
    topic,
)
from booty.testing.conformance.topics.harness import CASES, TopicHarness


@CASES.case("P24", portable=True)
async def one_ack_is_one_call(_harness: TopicHarness) -> None:
    """One acknowledgement reaches the driver once, with the message's own token."""
    driver = Fake(batches=[[1]])
    async with subscription(driver) as one:
        (await one.receive()).ack()
    assert driver.told == [("ack", [1])]


@CASES.case("P25", portable=True)
async def quick_acks_go_together(_harness: TopicHarness) -> None:
    """Acknowledgements given in one go are one call."""
    driver = Fake(batches=[[1, 2, 3]])
    async with subscription(driver) as one:
        for message in await got(one, 3):
            message.ack()
    assert driver.told == [("ack", [1, 2, 3])]


@CASES.case("P26", portable=True)
async def more_acks_than_fit(_harness: TopicHarness) -> None:
    """Each token is handed over once, in calls that the driver can take."""
    driver = Fake(batches=[list(range(7))], max_ack_batch=3)
    async with subscription(driver) as one:
        for message in await got(one, 7):
            message.ack()
    assert [len(tokens) for _, tokens in driver.told] == [3, 3, 1]
    assert sorted(itertools.chain(*(tokens for _, tokens in driver.told))) == list(range(7))


@CASES.case("P27", portable=True)
async def ack_returns_at_once(_harness: TopicHarness) -> None:
    """An acknowledgement is only put down, so a driver that hangs holds nobody up."""
    driver = Fake(batches=[[1, 2]], hangs=frozenset(("ack",)))
    one = subscription(driver)
    for message in await got(one, 2):
        message.ack()
        await anyio.lowlevel.checkpoint()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await one.close()


@CASES.case("P28", portable=True)
async def settled_twice(_harness: TopicHarness) -> None:
    """A message is settled once; the second time is an error and changes nothing."""
    for first, second in (("ack", "ack"), ("ack", "nack"), ("nack", "ack")):
        driver = Fake(batches=[[1]])
        async with subscription(driver) as one:
            message = await one.receive()
            getattr(message, first)()
            with pytest.raises(FailedPreconditionError):
                getattr(message, second)()
            with pytest.raises(FailedPreconditionError):
                message.extend()
        assert driver.told == [(first, [1])]


@CASES.case("P29", portable=True)
async def closing_a_subscription_can_be_cancelled(_harness: TopicHarness) -> None:
    """A driver whose acknowledgement hangs holds up a close only as long as its caller likes."""
    driver = Fake(batches=[[1]], hangs=frozenset(("ack",)))
    one = subscription(driver)
    (await one.receive()).ack()
    with anyio.move_on_after(0.02) as scope:
        await one.close()
    assert (scope.cancelled_caught, driver.closed) == (True, 1)


@CASES.case("P30", portable=True)
async def closing_a_topic_can_be_cancelled(_harness: TopicHarness) -> None:
    """Likewise with a send that hangs, and whoever waits for it is told."""
    driver = Fake(hangs=frozenset(("send",)))
    one = topic(driver)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.send, b"x")
        await anyio.lowlevel.checkpoint()
        with anyio.move_on_after(0.02) as scope:
            await one.close()
        assert (scope.cancelled_caught, driver.closed) == (True, 1)
        tasks.cancel_scope.cancel()


async def _failed_ack(left: list[list[int]]) -> None:
    driver = Fake(batches=[[1]], faults={"ack": [Fatal("gone")]})
    async with subscription(driver) as one:
        (await one.receive()).ack()
        driver.batches.extend(left)
        with pytest.raises(ResourceExhaustedError) as caught:
            await endless(one)
        assert isinstance(caught.value.native, Fatal)


@CASES.case("P31", portable=True)
async def failed_acks_are_told_by_receive(_harness: TopicHarness) -> None:
    """What failed in the background is raised by the next receive, though messages come."""
    await _failed_ack([[2]])


@CASES.case("P32", portable=True)
async def failed_acks_are_told_by_receive_alone(_harness: TopicHarness) -> None:
    """Likewise when no message comes any more."""
    await _failed_ack([])


@CASES.case("P33", portable=True)
async def empty_batches(_harness: TopicHarness) -> None:
    """A driver may answer with nothing; receiving goes on."""
    driver = Fake(batches=[[], [], [], [1]])
    async with subscription(driver) as one:
        message = await one.receive()
        message.ack()
        assert message.body == b"1"


@CASES.case("P34", portable=True)
async def closed_once_after_the_queue(_harness: TopicHarness) -> None:
    """The driver is closed once, when all that was put down has been handed over."""
    driver = Fake(batches=[[1, 2]])
    async with subscription(driver) as one:
        for message in await got(one, 2):
            message.ack()
    assert (driver.closed, driver.open_at_close) == (1, ["ack"])

    driver = Fake()
    one_topic = topic(driver)
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(one_topic.send, b"%d" % number)
        await anyio.lowlevel.checkpoint()
        await one_topic.close()
    assert (driver.closed, sum(map(len, driver.sent))) == (1, 5)


@CASES.case("P35", portable=True)
async def many_receivers(_harness: TopicHarness) -> None:
    """Many receivers get every message, each once."""
    driver = Fake(batches=[list(range(1000))])
    seen: list[bytes] = []
    async with subscription(driver) as one, anyio.create_task_group() as tasks:

        async def collect() -> None:
            while True:
                message = await one.receive()
                seen.append(message.body)
                message.ack()
                await anyio.lowlevel.checkpoint()
                if len(seen) == 1000:
                    tasks.cancel_scope.cancel()

        for _ in range(50):
            tasks.start_soon(collect)
    assert sorted(map(int, seen)) == list(range(1000))


@CASES.case("P36", portable=True)
async def sends_that_may_go_well_later(_harness: TopicHarness) -> None:
    """What passes is tried again until done; what stays is raised at once, for that message."""
    driver = Fake(faults={"send": [Retry(), Retry(), Retry()]})
    async with topic(driver) as one:
        await one.send(b"x")
        assert (driver.sent, driver.numbers) == ([[b"x"]], [[0]] * 4)
        with pytest.raises(ResourceExhaustedError) as caught:
            await one.send(b"bad")
        assert isinstance(caught.value.native, Fatal)
        with pytest.raises(ResourceExhaustedError):
            await one.send_many([b"a", b"bad", b"b"])
        assert driver.sent[-1] == [b"a", b"bad", b"b"]


@CASES.case("P37", portable=True)
async def receives_that_may_go_well_later(_harness: TopicHarness) -> None:
    """Likewise with several receivers; none gets a message twice."""
    driver = Fake(batches=[[1], [2], [3]], faults={"receive": [Retry(), Retry()]})
    seen: list[bytes] = []
    async with subscription(driver) as one:

        async def take() -> None:
            seen.append((await one.receive()).body)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(take)
    assert sorted(seen) == [b"1", b"2", b"3"]

    driver = Fake(batches=[[1]], faults={"receive": [Fatal()]})
    async with subscription(driver) as one:
        with pytest.raises(ResourceExhaustedError):
            await one.receive()
        assert (await one.receive()).body == b"1"  # the next call tries again


@CASES.case("P38", portable=True)
async def prefetch_follows_the_consumer(_harness: TopicHarness) -> None:
    """A consumer that finds nothing left gets more at a time; one that lets things lie, less."""
    ahead = Prefetch(most=100, seconds=2.0)
    for now in range(10):
        ahead.taken = 1000
        ahead.look(now)
    assert ahead.size == 100
    for now in range(10, 20):
        ahead.taken = 3
        ahead.look(now)
    assert ahead.size == 6
    for now in range(100, 1000, 100):
        ahead.taken = 1
        ahead.look(now)
    assert ahead.size == 1

    driver = Fake(batches=[list(range(500))])
    async with subscription(driver) as one:
        await got(one, 1)
        assert one.ahead == 1
        for message in await got(one, 400):
            message.ack()
        assert one.ahead > 16
        assert max(driver.asked) > 16


@CASES.case("P39", portable=True)
async def waiting_receives_can_be_cancelled(_harness: TopicHarness) -> None:
    """Two that wait both return when they are cancelled."""
    async with subscription(Fake()) as one, anyio.create_task_group() as tasks:
        tasks.start_soon(one.receive)
        tasks.start_soon(one.receive)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


@CASES.case("P40", portable=True)
async def every_error_has_a_code(_harness: TopicHarness) -> None:
    """Whatever a driver raises leaves with the driver's code, and the driver's exception."""
    for verb in ("send", "receive", "ack", "nack", "extend"):
        driver = Fake(batches=[[1]], faults={verb: [Fatal("why")]})
        with pytest.raises(ClientError) as caught:
            await fail(driver, verb)
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        assert isinstance(caught.value.__cause__, Fatal)
        assert "fake://t" in caught.value.message
        assert "why" in caught.value.message


async def fail(driver: Fake, verb: str) -> None:
    """Do what fails."""
    if verb == "send":
        async with topic(driver) as one:
            await one.send(b"x")
    async with subscription(driver) as sub:
        getattr(await sub.receive(), verb)()
        await sub.flush()


async def opened(url: str, kind: str) -> str:
    """Open and close, and return the name."""
    one: Topic | Subscription = open_topic(url) if kind == "topic" else open_subscription(url)
    async with one:
        return one.name


@CASES.case("P41", portable=True)
async def urls(_harness: TopicHarness) -> None:
    """Schemes with a prefix are taken; what is wrong is told at once, with the nearest name."""
    for kind in ("topic", "subscription"):
        for prefix in ("", "pubsub+", f"pubsub+{kind}+"):
            assert (await opened(f"{prefix}mem://orders?create=false", kind)).endswith(
                "mem://orders"
            )
        with pytest.raises(InvalidArgumentError) as caught:
            await opened("memm://orders", kind)
        assert '"mem://"' in str(caught.value.hint)
        with pytest.raises(InvalidArgumentError) as caught:
            await opened("mem://orders?creat=true&batch=many", kind)
        assert len(caught.value.faults) == 2
        assert 'did you mean "create"?' in str(caught.value.hint)
        with pytest.raises(InvalidArgumentError):
            await opened("mem://", kind)
