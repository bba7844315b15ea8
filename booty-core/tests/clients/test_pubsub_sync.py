"""The blocking twins of topics and subscriptions."""

from __future__ import annotations

import threading
from pathlib import Path

import booty
import pytest
from booty.clients import Capability, Outgoing
from booty.clients.location import joined, shown


def test_a_blocking_program(tmp_path: Path) -> None:
    """Send, receive, give back, extend, iterate until somebody drains."""
    url = f"file://{tmp_path}/orders?create=true"
    with booty.SyncTopic.open(url) as topic, booty.SyncSubscription.open(url) as one:
        assert topic.name == one.name == f"file://{tmp_path}/orders"
        assert Capability.DURABLE in topic.capabilities & one.capabilities
        assert topic.native(dict) is one.native(dict) is None
        topic.send(b"a", {"n": "1"}, key="k", id="first")
        message = one.receive(timeout=10)
        assert (message.body, dict(message.metadata), message.key) == (b"a", {"n": "1"}, "k")
        assert (message.topic, message.id, message.count) == ("orders", "first", 1)
        assert message.nackable
        assert message.native(dict) is None
        message.extend()
        message.nack()
        with one.receive() as message:
            assert message.count == 2
        with pytest.raises(booty.FailedPreconditionError):
            message.ack()
        topic.send_many([b"b", Outgoing(body=b"c")])
        topic.flush()
        seen = []
        for again in one:
            seen.append(again.body)
            again.ack()
            if len(seen) == 2:
                assert one.ahead >= 1
                one.drain()
        assert seen == [b"b", b"c"]
        one.flush()
        with pytest.raises(booty.FailedPreconditionError):
            one.receive()
        topic.close()
        with pytest.raises(booty.FailedPreconditionError):
            topic.send(b"x")


def test_a_receive_with_a_limit_loses_nothing() -> None:
    """What comes after the limit is there for the next call."""
    with (
        booty.SyncTopic.open("mem://limit") as topic,
        booty.SyncSubscription.open("mem://limit") as one,
    ):
        with pytest.raises(TimeoutError):
            one.receive(timeout=0.05)
        topic.send_many([b"x", b"y"])
        found = [one.receive(timeout=10), *one.receive_many(5)]
        assert {message.body for message in found} == {b"x", b"y"}
        for message in found:
            message.ack()


def test_threads_share_a_topic() -> None:
    """Many threads send at once; a topic of one loop is heard in another."""
    with (
        booty.SyncTopic.open("mem://threads") as topic,
        booty.SyncSubscription.open("mem://threads") as one,
    ):
        threads = [threading.Thread(target=topic.send, args=(b"%d" % n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        seen = set()
        for _ in range(20):
            with one.receive(timeout=10) as message:
                seen.add(message.body)
        for thread in threads:
            thread.join()
        assert len(seen) == 20


def test_urls_of_a_cluster() -> None:
    """A list of whole URLs is one URL with several hosts, and shows nobody's password."""
    url = "nats://u:p@a:1,nats://u:p@b:2,tls://c:3/orders?dead_letter=x,y://z"
    assert joined(url) == "nats://u:p@a:1,b:2,c:3/orders?dead_letter=x,y://z"
    assert shown(url) == "nats://a:1,b:2,c:3/orders"
