"""What somebody changed by hand on a real server is told, and mended by the next bootstrap."""

from __future__ import annotations

from typing import Any

import booty_provider_nats
import pytest

pytestmark = pytest.mark.real

ALL = """
kv = ["flags"]
objects = ["pictures"]
[services.bus.streams.orders]
subjects = ["orders.>"]
max-age = "7d"
[services.bus.streams.copy]
sources = ["orders"]
[services.bus.consumers.writer]
stream = "orders"
ack-wait = "5s"
"""


def told(rig: Any) -> list[str]:
    """Return what is told."""
    found: list[str] = rig.run(booty_provider_nats.drift(service=rig.service))
    return found


def test_what_was_changed_by_hand(rig: Any) -> None:
    """Streams and buckets that are gone, limits, subjects, waits that are others: a line each."""
    rig.up(ALL)
    rig.bootstrap()
    before = told(rig)
    config = rig.call("STREAM.INFO.orders")["config"]
    config |= {"subjects": ["orders.>", "more"], "max_age": 0, "metadata": {"mine": "1"}}
    rig.call("STREAM.UPDATE.orders", config)
    writer = rig.call("CONSUMER.INFO.orders.writer")["config"] | {"ack_wait": 10**9}
    about = {"stream_name": "orders", "config": writer, "action": "update"}
    rig.call("CONSUMER.CREATE.orders.writer", about)
    rig.call("STREAM.DELETE.KV_flags")
    rig.call("STREAM.DELETE.copy")
    found = told(rig)
    rig.bootstrap()

    assert before == []
    assert found == [
        "streams.copy is not there",
        "streams.orders: subjects is orders.>, more, declared orders.>",
        "streams.orders: max_age is 0, declared 604800000000000",
        "kv.flags is not there",
        "consumers.writer: ack_wait is 1000000000, declared 5000000000",
    ]
    assert told(rig) == []


def test_nothing_is_declared(rig: Any) -> None:
    """Streams that programs make are nobody's drift."""
    rig.up()
    rig.call("STREAM.CREATE.own", {"name": "own", "subjects": ["own"]})

    assert told(rig) == []


def test_looking_changes_nothing(rig: Any) -> None:
    """What is missing is told, and not made."""
    rig.up(ALL)
    first = told(rig)

    assert [line.rpartition(" is not there")[0] for line in first] == [
        *("streams.copy", "streams.orders", "kv.flags", "objects.pictures", "consumers.writer")
    ]
    assert told(rig) == first
