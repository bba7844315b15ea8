"""``nats://`` topics beyond the suite: faults, servers that go and come, TLS, other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import booty
import pytest
from anyio import to_thread
from attrs import evolve
from booty import Code, File
from booty.clients import Capability
from booty_provider_nats import headers
from booty_provider_nats.session import as_consumer
from conftest_deadline import run
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

real = pytest.mark.real


async def code_of(url: str, kind: str = "topic") -> str:
    """Open, use once, and return the code of what goes wrong."""
    with pytest.raises(booty.ClientError) as caught:
        await use(url, kind)
    assert caught.value.native is None or str(caught.value.native)
    return caught.value.code


async def use(url: str, kind: str) -> None:
    """Use something once."""
    if kind == "topic":
        async with booty.open_topic(url) as topic:
            await topic.send(b"x")
    else:
        async with booty.open_subscription(url) as subscription:
            (await subscription.receive()).ack()


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_metadata_survive_headers(metadata: dict[str, str]) -> None:
    """Any names and values come back, whatever a header can hold."""
    metadata = {name: value for name, value in metadata.items() if _valid(name + value)}
    sent = headers.encoded(metadata)
    assert all(name == name.strip() and name.isascii() for name in sent)
    assert all(value == value.strip() and value.isprintable() and value for value in sent.values())
    assert headers.decoded(sent) == metadata


def _valid(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def test_plain_metadata_stay_plain() -> None:
    """What a header holds is not touched; what means something to NATS cannot be set."""
    assert headers.encoded({"Content-Type": "text/plain; q=0.5"}) == {
        "Content-Type": "text/plain; q=0.5"
    }
    assert headers.encoded({"Nats-Rollup": "all", "nats-msg-id": "1"}) == {
        "%4Eats-Rollup": "all",
        "%6Eats-msg-id": "1",
    }
    assert headers.decoded({"Nats-Msg-Id": "1", "Booty-Key": "k", "a": "100%"}) == {"a": "100%"}


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("nats://127.0.0.1:4222", "topic"),
        ("nats://127.0.0.1:4222/orders.*", "topic"),
        ("nats://127.0.0.1:4222/orders..new", "topic"),
        ("nats://127.0.0.1:4222/orders?durable=a.b", "subscription"),
        ("nats://127.0.0.1:many/orders", "topic"),
        ("nats://127.0.0.1:4222/orders?durabl=a&ack_wait=long", "subscription"),
        ("nats:///orders", "topic"),
    ],
)
def test_urls_that_are_refused(url: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with a URL is told when it is opened, with what to write instead."""
    monkeypatch.delenv("NATS_URL", raising=False)

    async def body() -> None:
        with pytest.raises(booty.InvalidArgumentError) as caught:
            await use(url, kind)
        assert caught.value.hint

    run(body)


def test_nobody_there() -> None:
    """A port where nobody listens is told within seconds."""
    for kind in ("topic", "subscription"):
        assert run(lambda kind=kind: code_of("nats://127.0.0.1:1/orders", kind)) == Code.UNKNOWN


@real
def test_what_is_missing_says_how_it_is_made(rig: Any) -> None:
    """A subject that no stream keeps, and a consumer that is not there, with what to write."""
    server = rig.lay("[services.bus.streams.orders]\nsubjects = ['orders.>']\n")[0]
    server.start()
    rig.until(server.ready)
    rig.bootstrap()

    async def body() -> None:
        async with booty.open_topic(f"{rig.url}/missing.x") as topic:
            with pytest.raises(booty.NotFoundError) as caught:
                await topic.send(b"x")
        assert 'a stream with subjects = ["missing.x"]' in str(caught.value.hint)
        async with booty.open_subscription(f"{rig.url}/orders.x?durable=nobody") as one:
            with pytest.raises(booty.NotFoundError) as caught:
                await one.receive()
        assert "add create=true" in str(caught.value.hint)

    run(body)


@real
def test_faults_and_their_codes(rig: Any) -> None:
    """Missing, too large, full, refused, wrong password, another consumer: each has its code."""
    server = rig.lay(
        "[services.bus.streams.orders]\nsubjects = ['orders.>', 'secret.>']\n"
        "[services.bus.streams.small]\nsubjects = ['small']\nmax-messages = 2\ndiscard = 'new'\n"
        "[services.bus.streams.short]\nsubjects = ['short']\nmax-message-size = '1KiB'\n"
        "[services.bus.consumers.writer]\nstream = 'orders'\nsubjects = ['orders.a']\n"
    )[0]
    deny(server, publish=["secret.>", "$JS.API.CONSUMER.MSG.NEXT.*.locked"])
    server.start()
    rig.until(server.ready)
    rig.bootstrap()

    async def body() -> None:
        url = rig.url
        assert await code_of(f"{url}/nowhere") == "not-found"
        assert await code_of(f"{url}/orders.a?durable=nobody", "subscription") == "not-found"
        assert await code_of(f"{url}/orders.a?stream=small") == "failed-precondition"
        assert await code_of(f"{url}/secret.a") == "permission-denied"
        locked = f"{url}/orders.>?durable=locked&create=true"
        assert await code_of(locked, "subscription") == "permission-denied"
        user, _, rest = url.partition("@")
        wrong = f"{user.rpartition(':')[0]}:wrong@{rest}/orders.a"
        for kind in ("topic", "subscription"):
            assert await code_of(wrong, kind) == "permission-denied"
        async with booty.open_topic(f"{url}/small") as small:
            await small.send_many([b"1", b"2"])
            with pytest.raises(booty.ResourceExhaustedError):
                await small.send(b"3")
        async with booty.open_topic(f"{url}/short") as short:
            with pytest.raises(booty.InvalidArgumentError):
                await short.send(bytes(2000))
            await short.send(b"fits")
        for other in ("orders.b?durable=writer", "orders.a?durable=writer&ack_wait=5s"):
            assert await code_of(f"{url}/{other}", "subscription") == "failed-precondition"

    run(body)


def deny(server: Any, **subjects: list[str]) -> None:
    """Let nobody use some subjects."""
    path, file = next(pair for pair in server.launch.files.items() if pair[0].endswith(".json"))
    config = json.loads(file.content)
    for user in config["accounts"]["APP"]["users"]:
        user["permissions"] = {verb: {"deny": some} for verb, some in subjects.items()}
    files = {**server.launch.files, path: File(content=json.dumps(config))}
    server.launch = evolve(server.launch, files=files)


@real
def test_a_declared_consumer_is_changed_only_if_told(rig: Any) -> None:
    """What the file declares is used as it is; ``create=true`` makes it what the URL says."""
    rig.up(
        "[services.bus.streams.orders]\nsubjects = ['orders.>']\n"
        "[services.bus.consumers.writer]\nstream = 'orders'\nack-wait = '7s'\n"
    )
    rig.bootstrap()
    url = f"{rig.url}/orders.>?durable=writer"

    async def body() -> None:
        rig_url = f"{rig.url}/orders.a"
        async with booty.open_topic(rig_url) as topic:
            await topic.send(b"x")
            await topic.send(b"y")
        await use(url, "subscription")
        await use(f"{url}&ack_wait=9s&create=true", "subscription")

    run(body)
    config = rig.call("CONSUMER.INFO.orders.writer")["config"]
    assert config["ack_wait"] == 9_000_000_000


@real
def test_a_consumer_that_is_removed(rig: Any) -> None:
    """A receive that waits hears that its consumer is gone."""
    rig.up()
    url = f"{rig.url}/orders?create=true"

    async def body() -> None:
        async with booty.open_topic(url) as topic:
            await topic.send(b"x")
        await use(url, "subscription")
        async with booty.open_subscription(f"{rig.url}/orders") as one:
            with anyio.move_on_after(0.2):
                await one.receive()
            await to_thread.run_sync(rig.call, "CONSUMER.DELETE.orders.default")
            with pytest.raises(booty.NotFoundError):
                await one.receive()

    run(body)


@real
def test_programs_without_booty(rig: Any) -> None:
    """Messages of another program are received as they are, and ours by it."""
    rig.up("[services.bus.streams.orders]\nsubjects = ['orders.>']\n")
    rig.bootstrap()

    async def body() -> None:
        instance = rig.servers[0].instance
        async with (
            as_consumer(instance) as connection,
            booty.open_topic(f"{rig.url}/orders.ours") as topic,
            booty.open_subscription(f"{rig.url}/orders.>?create=true") as one,
        ):
            assert isinstance(connection, Client)
            plain = await connection.subscribe("orders.ours")
            await connection.jetstream().publish("orders.theirs", b"x", headers={"a": "b c"})
            message = await one.receive()
            message.ack()
            assert (message.body, message.topic) == (b"x", "orders.theirs")
            assert (dict(message.metadata), message.id) == ({"a": "b c"}, "orders:1")
            await topic.send(b"y", {"a": "b c"}, id="mine")
            seen = await plain.next_msg(timeout=5)
            assert (seen.data, seen.headers["a"]) == (b"y", "b c")
            again = await one.receive()
            again.ack()
            assert again.id == "mine"

    run(body)


@real
def test_tls_and_the_environment(rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS the authority comes by ``ca=`` or NATS_CA, and a URL without a host by NATS_URL."""
    (server,) = rig.up("settings = { tls = true }")
    ca = tmp_path / "ca.pem"
    ca.write_text(server.instance.secrets["certificate:ca"])
    url = rig.url
    assert url.startswith("tls://")

    async def body() -> None:
        await use(f"{url}/orders?create=true&ca={ca}", "topic")
        assert await code_of(f"{url}/orders", "topic") == "permission-denied"
        monkeypatch.setenv("NATS_CA", str(ca))
        monkeypatch.setenv("NATS_URL", f"{url},{url}")
        await use("nats:///orders?create=true", "subscription")

    run(body)


@real
def test_order_of_a_key_while_others_go_on(rig: Any) -> None:
    """Behind a message that is worked on for long only its own key waits, without expiring."""
    rig.up()
    url = f"{rig.url}/orders?create=true"

    async def body() -> None:
        async with (
            booty.open_topic(url) as topic,
            booty.open_subscription(f"{url}&ack_wait=600ms") as one,
        ):
            for number in range(4):
                await topic.send(b"slow%d" % number, key="slow")
                await topic.send(b"%d" % number, key=f"k{number}")
            seen = []
            async with anyio.create_task_group() as tasks:

                async def long(message: booty.Message) -> None:
                    async with message:
                        with anyio.move_on_after(1.0):
                            await anyio.Event().wait()

                while len(seen) < 8:
                    message = await one.receive()
                    seen.append(message.body)
                    if message.body == b"slow0":
                        tasks.start_soon(long, message)
                    else:
                        message.ack()
            assert [body for body in seen if body.startswith(b"slow")] == [
                b"slow%d" % number for number in range(4)
            ]
            assert seen.index(b"3") < seen.index(b"slow1")
            await one.flush()

    run(body)


def test_what_the_driver_declares() -> None:
    """Nothing is declared that one server alone cannot do."""
    from booty_provider_nats.sending import CAPABILITIES

    assert Capability.REPLICATED not in CAPABILITIES
