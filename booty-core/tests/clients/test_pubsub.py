"""Cases P24 to P41: the portable types alone, over a driver that records its calls."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import anyio
import booty
import pytest
from attrs import define, field
from booty.clients import Capability, Code
from booty.clients.pubsub.backoff import Backoff
from booty.clients.pubsub.intake import Flow
from booty.clients.pubsub.message import Delivery, Message, Outgoing
from booty.clients.pubsub.opening import open_subscription, open_topic
from booty.clients.pubsub.prefetch import Prefetch
from booty.clients.pubsub.subscription import Subscription
from booty.clients.pubsub.topic import Topic

SECONDS = 10.0
QUICK = Backoff(first=0.001, most=0.002)


class Retry(Exception):  # noqa: N818 - it says what to do
    """A fault that passes."""


class Fatal(Exception):  # noqa: N818 - likewise
    """A fault that stays."""


@define(eq=False)
class Fake:
    """A driver of both kinds; its answers are scripts, and it knows what it was asked."""

    capabilities: frozenset[Capability] = frozenset(
        (Capability.NACK, Capability.DELAY, Capability.EXTEND)
    )
    max_batch: int = 100
    max_ack_batch: int = 100
    ack_wait: float = 30.0
    sent: list[list[bytes]] = field(factory=list)
    told: list[tuple[str, list[Any]]] = field(factory=list)
    closed: int = 0
    hangs: frozenset[str] = frozenset()
    faults: dict[str, list[Exception]] = field(factory=dict)
    batches: list[list[int]] = field(factory=list)
    more: anyio.Event = field(factory=anyio.Event)
    asked: list[int] = field(factory=list)
    open_at_close: list[str] = field(factory=list)

    def code(self, error: Exception) -> Code:
        """Give a code that is neither unknown nor that of a fault of ours."""
        return Code.RESOURCE_EXHAUSTED

    def retryable(self, error: Exception) -> bool:
        """Tell the two apart."""
        return isinstance(error, Retry)

    def native(self) -> tuple[object, ...]:
        """Give something to find."""
        return (self, "words")

    async def close(self) -> None:
        """Count."""
        self.closed += 1
        self.open_at_close = [verb for verb, _ in self.told]

    async def _obey(self, verb: str) -> None:
        await anyio.lowlevel.checkpoint()
        if verb in self.hangs:
            await anyio.Event().wait()
        if self.faults.get(verb):
            raise self.faults[verb].pop(0)

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Exception | None]:
        """Record a batch."""
        await self._obey("send")
        self.sent.append([one.body for one in messages])
        return [Fatal(one.body) if one.body == b"bad" else None for one in messages]

    async def receive(self, limit: int) -> Sequence[Delivery]:
        """Give the next batch of the script, no more than asked for."""
        self.asked.append(limit)
        await self._obey("receive")
        if not self.batches:
            await self.more.wait()
            return ()
        batch = self.batches.pop(0)
        if batch[limit:]:
            self.batches.insert(0, batch[limit:])
        return [
            Delivery(token=n, body=b"%d" % n, metadata={}, topic="t", id=str(n))
            for n in batch[:limit]
        ]

    async def ack(self, tokens: Sequence[Any]) -> None:
        """Record."""
        await self._tell("ack", tokens)

    async def nack(self, tokens: Sequence[Any], delay: float) -> None:
        """Record."""
        await self._tell("nack", tokens)

    async def release(self, tokens: Sequence[Any]) -> None:
        """Record."""
        await self._tell("release", tokens)

    async def extend(self, tokens: Sequence[Any]) -> None:
        """Record."""
        await self._tell("extend", tokens)

    async def _tell(self, verb: str, tokens: Sequence[Any]) -> None:
        await self._obey(verb)
        self.told.append((verb, list(tokens)))


def run(body: Callable[..., Awaitable[Any]], *arguments: Any, **fields: Any) -> Any:
    """Run a coroutine in a loop of its own, with a deadline."""

    async def inner() -> Any:
        with anyio.fail_after(SECONDS):
            return await body(*arguments, **fields)

    return anyio.run(inner)


def subscription(driver: Fake, **flow: int) -> Subscription:
    """Make a subscription over a fake."""
    return Subscription(driver, "fake://t", flow=Flow(**flow), backoff=QUICK)


def topic(driver: Fake, **fields: int) -> Topic:
    """Make a topic over a fake."""
    return Topic(driver, "fake://t", backoff=QUICK, **fields)


async def endless(one: Subscription) -> None:
    """Receive for ever."""
    while True:
        await one.receive()


async def got(one: Subscription, count: int) -> list[Message]:
    """Receive so many."""
    found: list[Message] = []
    while len(found) < count:
        found += await one.receive_many(count - len(found))
    return found


def test_p24_one_ack_is_one_call() -> None:
    """One acknowledgement reaches the driver once, with the message's own token."""

    async def body() -> None:
        driver = Fake(batches=[[1]])
        async with subscription(driver) as one:
            (await one.receive()).ack()
        assert driver.told == [("ack", [1])]

    run(body)


def test_p25_quick_acks_go_together() -> None:
    """Acknowledgements given in one go are one call."""

    async def body() -> None:
        driver = Fake(batches=[[1, 2, 3]])
        async with subscription(driver) as one:
            for message in await got(one, 3):
                message.ack()
        assert driver.told == [("ack", [1, 2, 3])]

    run(body)


def test_p26_more_acks_than_fit() -> None:
    """Each token is handed over once, in calls that the driver can take."""

    async def body() -> None:
        driver = Fake(batches=[list(range(7))], max_ack_batch=3)
        async with subscription(driver) as one:
            for message in await got(one, 7):
                message.ack()
        assert [len(tokens) for _, tokens in driver.told] == [3, 3, 1]
        assert sorted(itertools.chain(*(tokens for _, tokens in driver.told))) == list(range(7))

    run(body)


def test_p27_ack_returns_at_once() -> None:
    """An acknowledgement is only put down, so a driver that hangs holds nobody up."""

    async def body() -> None:
        driver = Fake(batches=[[1, 2]], hangs=frozenset(("ack",)))
        one = subscription(driver)
        for message in await got(one, 2):
            message.ack()
            await anyio.lowlevel.checkpoint()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await one.close()

    run(body)


@pytest.mark.parametrize(("first", "second"), [("ack", "ack"), ("ack", "nack"), ("nack", "ack")])
def test_p28_settled_twice(first: str, second: str) -> None:
    """A message is settled once; the second time is an error and changes nothing."""

    async def body() -> None:
        driver = Fake(batches=[[1]])
        async with subscription(driver) as one:
            message = await one.receive()
            getattr(message, first)()
            with pytest.raises(booty.FailedPreconditionError):
                getattr(message, second)()
            with pytest.raises(booty.FailedPreconditionError):
                message.extend()
        assert driver.told == [(first, [1])]

    run(body)


def test_p29_closing_a_subscription_can_be_cancelled() -> None:
    """A driver whose acknowledgement hangs holds up a close only as long as its caller likes."""

    async def body() -> None:
        driver = Fake(batches=[[1]], hangs=frozenset(("ack",)))
        one = subscription(driver)
        (await one.receive()).ack()
        with anyio.move_on_after(0.02) as scope:
            await one.close()
        assert (scope.cancelled_caught, driver.closed) == (True, 1)

    run(body)


def test_p30_closing_a_topic_can_be_cancelled() -> None:
    """Likewise with a send that hangs, and whoever waits for it is told."""

    async def body() -> None:
        driver = Fake(hangs=frozenset(("send",)))
        one = topic(driver)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.send, b"x")
            await anyio.lowlevel.checkpoint()
            with anyio.move_on_after(0.02) as scope:
                await one.close()
            assert (scope.cancelled_caught, driver.closed) == (True, 1)
            tasks.cancel_scope.cancel()

    run(body)


def test_p31_p32_failed_acks_are_told_by_receive() -> None:
    """What failed in the background is raised by the next receive, whether messages come or not."""

    async def body() -> None:
        for left in ([2], []):
            driver = Fake(batches=[[1]], faults={"ack": [Fatal("gone")]})
            async with subscription(driver) as one:
                (await one.receive()).ack()
                driver.batches.extend([left] if left else [])
                with pytest.raises(booty.ResourceExhaustedError) as caught:
                    await endless(one)
                assert isinstance(caught.value.native, Fatal)

    run(body)


def test_p33_empty_batches() -> None:
    """A driver may answer with nothing; receiving goes on."""

    async def body() -> None:
        driver = Fake(batches=[[], [], [], [1]])
        async with subscription(driver) as one:
            message = await one.receive()
            message.ack()
            assert message.body == b"1"

    run(body)


def test_p34_closed_once_after_the_queue() -> None:
    """The driver is closed once, when all that was put down has been handed over."""

    async def body() -> None:
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

    run(body)


def test_p35_many_receivers() -> None:
    """Many receivers get every message, each once."""

    async def body() -> None:
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

    run(body)


def test_p36_sends_that_may_go_well_later() -> None:
    """What passes is tried again until done; what stays is raised at once, for that message."""

    async def body() -> None:
        driver = Fake(faults={"send": [Retry(), Retry(), Retry()]})
        async with topic(driver) as one:
            await one.send(b"x")
            assert driver.sent == [[b"x"]]
            with pytest.raises(booty.ResourceExhaustedError) as caught:
                await one.send(b"bad")
            assert isinstance(caught.value.native, Fatal)
            with pytest.raises(booty.ResourceExhaustedError):
                await one.send_many([b"a", b"bad", b"b"])
            assert driver.sent[-1] == [b"a", b"bad", b"b"]

    run(body)


def test_p37_receives_that_may_go_well_later() -> None:
    """Likewise with several receivers; none gets a message twice."""

    async def body() -> None:
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
            with pytest.raises(booty.ResourceExhaustedError):
                await one.receive()
            assert (await one.receive()).body == b"1"  # the next call tries again

    run(body)


def test_p38_prefetch_follows_the_consumer() -> None:
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

    async def body() -> None:
        driver = Fake(batches=[list(range(500))])
        async with subscription(driver) as one:
            await got(one, 1)
            assert one.ahead == 1
            for message in await got(one, 400):
                message.ack()
            assert one.ahead > 16
            assert max(driver.asked) > 16

    run(body)


def test_p39_waiting_receives_can_be_cancelled() -> None:
    """Two that wait both return when they are cancelled."""

    async def body() -> None:
        async with subscription(Fake()) as one, anyio.create_task_group() as tasks:
            tasks.start_soon(one.receive)
            tasks.start_soon(one.receive)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    run(body)


@pytest.mark.parametrize("verb", ["send", "receive", "ack", "nack", "extend"])
def test_p40_every_error_has_a_code(verb: str) -> None:
    """Whatever a driver raises leaves with the driver's code, and the driver's exception."""

    async def body() -> None:
        driver = Fake(batches=[[1]], faults={verb: [Fatal("why")]})
        with pytest.raises(booty.ClientError) as caught:
            await fail(driver, verb)
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        assert isinstance(caught.value.__cause__, Fatal)
        assert "fake://t" in caught.value.message
        assert "why" in caught.value.message

    run(body)


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


@pytest.mark.parametrize("kind", ["topic", "subscription"])
def test_p41_urls(kind: str) -> None:
    """Schemes with a prefix are taken; what is wrong is told at once, with the nearest name."""
    for prefix in ("", "pubsub+", f"pubsub+{kind}+"):
        assert run(opened, f"{prefix}mem://orders?create=false", kind).endswith("mem://orders")
    with pytest.raises(booty.InvalidArgumentError) as caught:
        run(opened, "memm://orders", kind)
    assert '"mem://"' in str(caught.value.hint)
    with pytest.raises(booty.InvalidArgumentError) as caught:
        run(opened, "mem://orders?creat=true&batch=many", kind)
    assert len(caught.value.faults) == 2
    assert 'did you mean "create"?' in str(caught.value.hint)
    with pytest.raises(booty.InvalidArgumentError):
        run(opened, "mem://", kind)


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
