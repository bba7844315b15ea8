"""``booty client bus …`` against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

ORDERS = """
kv = ["flags"]
[services.bus.streams.orders]
subjects = ["orders.>"]
[services.bus.consumers.writer]
stream = "orders"
"""


def test_published_is_stored(rig: Any) -> None:
    """``pub --ack`` tells the stream and the number; standard input is a message too."""
    rig.up(ORDERS)
    rig.bootstrap()

    assert rig.command("pub", "orders.new", "tea", "--ack").output == "orders 1\n"
    assert rig.command("pub", "orders.new", "-", "--ack", fed="coffee").output == "orders 2\n"
    assert rig.command("pub", "orders.new", "milk", "--count", "3").exit_code == 0
    assert rig.call("STREAM.INFO.orders")["state"]["messages"] == 5


def test_unstored_is_told(rig: Any) -> None:
    """``--ack`` on a subject that no stream takes is an error, not a silence."""
    rig.up(ORDERS)
    done = rig.command("pub", "elsewhere", "tea", "--ack")

    assert getattr(done.exception, "reference", "") == "nats-not-stored"


def test_streams_are_listed(rig: Any) -> None:
    """A table for people, JSON for programs."""
    rig.up(ORDERS)
    rig.bootstrap()
    rig.publish("orders.new", 4)
    table = rig.command("streams").output.splitlines()
    data = json.loads(rig.command("streams", "--json").output)
    waiting = rig.command("consumers", "orders").output.splitlines()

    assert table[0].split()[:3] == ["STREAM", "SUBJECTS", "MESSAGES"]
    assert ["orders", "orders.>", "4"] in [line.split()[:3] for line in table]
    assert {one["config"]["name"] for one in data} == {"orders", "KV_flags"}
    assert waiting[1].split()[:2] == ["writer", "4"]


def test_request_finds_nobody(rig: Any) -> None:
    """Nobody answers: said at once, by name."""
    rig.up()
    done = rig.command("request", "prices.get", "tea")

    assert getattr(done.exception, "reference", "") == "nats-no-answer"


def test_remove_asks_first(rig: Any) -> None:
    """Without a yes nothing is removed; a consumer can be removed alone."""
    rig.up(ORDERS)
    rig.bootstrap()

    assert rig.command("rm", "orders", fed="n\n").exit_code == 1
    assert rig.command("rm", "orders", "writer", "--yes").exit_code == 0
    assert rig.call("STREAM.INFO.orders")["state"]["consumer_count"] == 0
    assert rig.command("rm", "orders", "--yes").exit_code == 0
    assert rig.command("rm", "orders", "--yes").exception.reference == "nats-refused"


def test_backup_comes_back(rig: Any, tmp_path: Path) -> None:
    """Messages, and what a consumer has acknowledged, survive the loss of all data."""
    server = rig.up(ORDERS)[0]
    rig.bootstrap()
    rig.publish("orders.new", 500)
    out = str(tmp_path / "saved")
    saved = rig.command("backup", out).output.splitlines()
    again = rig.command("backup", out)
    server.stop()
    rig.ports, rig.root = rig.ports, _new(tmp_path)
    rig.up(ORDERS)
    rig.bootstrap()
    loaded = rig.command("restore", out).output.splitlines()
    found = rig.call("STREAM.INFO.orders")["state"]

    assert "orders: 500 messages" in saved
    assert getattr(again.exception, "reference", "") == "nats-backup"
    assert "orders: 500 messages" in loaded
    assert (found["messages"], found["consumer_count"]) == (500, 1)
    assert "orders: holds 500 messages already, left alone" in rig.command("restore", out).output


def _new(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    folder.mkdir()
    return folder
