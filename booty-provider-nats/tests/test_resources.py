"""What ``bootstrap`` makes in a real server, and what it does when the declaration changes."""

from __future__ import annotations

from typing import Any

import pytest
from booty import ConfigError, StartError
from booty_provider_nats.session import as_consumer

pytestmark = pytest.mark.real

ALL = """
kv = ["flags"]
[services.bus.streams.orders]
subjects = ["orders.>"]
max-age = "7d"
max-bytes = "64MiB"
description = "every order"
[services.bus.streams.copy]
sources = ["orders"]
[services.bus.consumers.writer]
stream = "orders"
ack-wait = "5s"
subjects = ["orders.new"]
[services.bus.objects.pictures]
ttl = "1h"
"""


def stream(rig: Any, name: str = "orders") -> dict[str, Any]:
    """What NATS knows of a stream."""
    found: dict[str, Any] = rig.call(f"STREAM.INFO.{name}")
    return found


def orders(**options: str) -> str:
    """A declaration of the stream ``orders``."""
    lines = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in options.items())
    return f'[services.bus.streams.orders]\nsubjects = ["orders.>"]\n{lines}'


def test_everything_declared_is_there(rig: Any) -> None:
    """Streams, consumers, key-value and object buckets are made as declared."""
    rig.up(ALL)
    rig.bootstrap()
    config = stream(rig)["config"]
    names = {one["config"]["name"] for one in rig.call("STREAM.LIST")["streams"]}
    consumer = rig.call("CONSUMER.INFO.orders.writer")["config"]

    assert names == {"orders", "copy", "KV_flags", "OBJ_pictures"}
    assert config["subjects"] == ["orders.>"]
    assert (config["max_age"], config["max_bytes"]) == (7 * 86400 * 10**9, 64 * 1024**2)
    assert (config["num_replicas"], config["description"]) == (1, "every order")
    assert (consumer["ack_wait"], consumer["filter_subjects"]) == (5 * 10**9, ["orders.new"])


def test_buckets_are_such_as_clients_make(rig: Any) -> None:
    """nats-py opens the buckets, and finds in them what it put there."""
    rig.up(ALL)
    rig.bootstrap()

    async def use() -> tuple[bytes | None, bytes | None]:
        async with as_consumer(rig.servers[0].instance) as connection:
            jetstream = connection.jetstream()
            flags = await jetstream.key_value("flags")
            await flags.put("dark", b"yes")
            pictures = await jetstream.object_store("pictures")
            await pictures.put("cat", b"x" * 300_000)
            return (await flags.get("dark")).value, (await pictures.get("cat")).data

    assert rig.run(use()) == (b"yes", b"x" * 300_000)


def test_again_changes_nothing(rig: Any) -> None:
    """A second bootstrap neither touches nor empties what is there."""
    rig.up(ALL)
    rig.bootstrap()
    rig.publish("orders.new", 5)
    before = stream(rig)
    rig.bootstrap()
    after = stream(rig)

    assert after["created"] == before["created"]
    assert after["config"] == before["config"]
    assert after["state"]["messages"] == 5


def test_a_change_that_nats_allows_is_made(rig: Any) -> None:
    """A longer age and another subject come into force, and the messages stay."""
    rig.up(orders(max_age='"1h"'))
    rig.bootstrap()
    rig.publish("orders.new", 3)
    rig.lay(orders(max_age='"2h"', description='"longer"'))
    rig.bootstrap()
    found = stream(rig)

    assert found["config"]["max_age"] == 7200 * 10**9
    assert found["config"]["description"] == "longer"
    assert found["state"]["messages"] == 3


def test_a_change_that_nats_refuses_says_why(rig: Any) -> None:
    """File to memory cannot be; the reason, the way out, and nothing lost."""
    rig.up(orders())
    rig.bootstrap()
    rig.publish("orders.new", 3)
    rig.lay(orders(storage='"memory"'))

    with pytest.raises(ConfigError, match="can not change storage type") as caught:
        rig.bootstrap()
    assert caught.value.reference == "nats-cannot-change"
    assert caught.value.subject == "services.bus.streams.orders"
    assert "booty client bus rm orders" in str(caught.value.hint)
    assert stream(rig)["state"]["messages"] == 3


def test_consumer_is_changed_or_refused(rig: Any) -> None:
    """A consumer's patience can change, where it began cannot."""
    declared = orders() + '[services.bus.consumers.writer]\nstream = "orders"\n'
    rig.up(declared)
    rig.bootstrap()
    rig.lay(declared + 'ack-wait = "7s"\n')
    rig.bootstrap()

    assert rig.call("CONSUMER.INFO.orders.writer")["config"]["ack_wait"] == 7 * 10**9
    rig.lay(declared + 'deliver = "new"\n')
    with pytest.raises(ConfigError, match="deliver policy can not be updated"):
        rig.bootstrap()


def test_consumer_of_nothing_is_refused(rig: Any) -> None:
    """A consumer of a stream that is not there names what is wrong."""
    rig.up('[services.bus.consumers.writer]\nstream = "nowhere"\n')

    with pytest.raises(ConfigError, match="stream not found") as caught:
        rig.bootstrap()
    assert caught.value.subject == "services.bus.consumers.writer"


def test_overlapping_subjects_are_refused(rig: Any) -> None:
    """Two streams cannot store the same message; NATS's reason is passed on."""
    rig.up(orders() + '[services.bus.streams.second]\nsubjects = ["orders.new"]\n')

    with pytest.raises(ConfigError, match="overlap") as caught:
        rig.bootstrap()
    assert caught.value.reference == "nats-cannot-make"


LIMITED = """
[services.bus.streams.work]
subjects = ["work.>"]
retention = "workqueue"
max-consumers = 3

[services.bus.kv.flags]
history = 5

[services.bus.objects.pictures]
ttl = "1h"
"""


@pytest.mark.parametrize(
    ("stream", "key", "values", "found"),
    [
        ("work", "subjects", ('["work.>"]', '["work.>", "more.>"]'), ["work.>", "more.>"]),
        ("work", "discard", ('"old"', '"new"'), "new"),
        ("work", "max-messages", ("-1", "50"), 50),
        ("work", "max-consumers", ("3", "4"), 4),
        ("work", "compression", ('"none"', '"s2"'), "s2"),
        ("KV_flags", "history", ("5", "9"), 9),
        ("KV_flags", "ttl", ('"0s"', '"1h"'), 3600 * 10**9),
        ("OBJ_pictures", "ttl", ('"1h"', '"2h"'), 7200 * 10**9),
        ("OBJ_pictures", "max-bytes", ('"1GiB"', '"2MiB"'), 2 * 1024**2),
    ],
)
def test_every_kind_of_change_that_nats_allows(
    rig: Any, stream: str, key: str, values: tuple[str, str], found: Any
) -> None:
    """Streams, key-value and object buckets are changed where they are, with what is in them."""
    rig.up(changed(stream, key, values[0]))
    rig.bootstrap()
    created = rig.call(f"STREAM.INFO.{stream}")["created"]
    rig.lay(changed(stream, key, values[1]))
    rig.bootstrap()
    now = rig.call(f"STREAM.INFO.{stream}")
    name = {"history": "max_msgs_per_subject", "ttl": "max_age", "max-messages": "max_msgs"}

    assert now["config"][name.get(key, key.replace("-", "_"))] == found
    assert now["created"] == created


@pytest.mark.parametrize(
    ("stream", "key", "values", "why"),
    [
        ("work", "storage", ('"file"', '"memory"'), "can not change storage type"),
        ("work", "retention", ('"workqueue"', '"limits"'), "can not change retention policy"),
        ("KV_flags", "storage", ('"file"', '"memory"'), "can not change storage type"),
        ("OBJ_pictures", "storage", ('"file"', '"memory"'), "can not change storage type"),
    ],
)
def test_every_kind_of_change_that_nats_refuses(
    rig: Any, stream: str, key: str, values: tuple[str, str], why: str
) -> None:
    """NATS's reason is told, with what to type, and what is there stays as it was."""
    rig.up(changed(stream, key, values[0]))
    rig.bootstrap()
    before = rig.call(f"STREAM.INFO.{stream}")["config"]
    rig.lay(changed(stream, key, values[1]))

    with pytest.raises(ConfigError, match=why) as caught:
        rig.bootstrap()
    assert caught.value.reference == "nats-cannot-change"
    assert f"booty client bus rm {stream}" in str(caught.value.hint)
    assert rig.call(f"STREAM.INFO.{stream}")["config"] == before


def changed(stream: str, key: str, value: str) -> str:
    """The declarations with one key of one stream or bucket set."""
    name = stream.rpartition("_")[2]
    tables = [table.splitlines() for table in LIMITED.strip().split("\n\n")]
    for table in tables:
        if table[0].endswith(f".{name}]"):
            table[1:] = [
                *(line for line in table[1:] if not line.startswith(key)),
                f"{key} = {value}",
            ]
    return "\n".join(line for table in tables for line in table)


def test_more_copies_than_servers_are_refused(rig: Any) -> None:
    """A single server cannot hold three copies, which is known before it is started."""
    with pytest.raises(ConfigError, match="there is 1 server") as caught:
        rig.plan(orders(replicas="3"))
    assert caught.value.subject == "services.bus.streams.orders.replicas"


def test_more_room_than_the_server_has_is_refused(rig: Any) -> None:
    """The limit of the store is told as what is in the way."""
    rig.up('settings = { max-file = "1MiB" }\n' + orders(max_bytes='"2MiB"'))

    with pytest.raises((ConfigError, StartError), match="insufficient storage") as caught:
        rig.bootstrap()
    assert caught.value.subject == "services.bus.streams.orders"


def test_what_is_no_longer_declared_is_kept(rig: Any) -> None:
    """Taking a stream out of the file never loses it."""
    rig.up(orders())
    rig.bootstrap()
    rig.publish("orders.new", 2)
    rig.lay('[services.bus.streams.other]\nsubjects = ["other.>"]')
    rig.bootstrap()

    assert stream(rig)["state"]["messages"] == 2
