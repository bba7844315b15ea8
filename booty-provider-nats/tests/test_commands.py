"""``booty client bus …`` against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from booty_provider_nats.api import ID_BYTES
from booty_provider_nats.commands import nats

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


@pytest.mark.parametrize(
    "words",
    [
        ("pub", "", "tea"),
        ("pub", "orders new", "tea"),
        ("pub", "orders.>", "tea"),
        ("pub", "orders..new", "tea"),
        ("pub", "orders.new", "tea", "--count", "0"),
        ("sub", "a..b"),
        ("sub", ">.a"),
        ("sub", "--count", "0"),
        ("request", "prices.*", "tea"),
        ("request", "prices.get", "tea", "--timeout", "0"),
        ("consumers", "a.b"),
        ("rm", "a b", "--yes"),
    ],
)
def test_wrong_words_are_a_usage_error(rig: Any, words: tuple[str, ...]) -> None:
    """Refused with what would be right, before anything is connected to: nothing listens here."""
    rig.lay("")
    done = rig.command(*words)

    assert done.exit_code == 2
    assert "cannot use" in done.output or "is not in the range" in done.output


@pytest.mark.parametrize("words", [("pub", "a"), ("pub", "orders.a", "-", "--ack")])
def test_too_large_is_told(rig: Any, words: tuple[str, ...]) -> None:
    """More than the server takes is refused at once, with the setting that allows it."""
    rig.up('settings = { max-payload = "1KiB" }\n' + ORDERS)
    rig.bootstrap()
    done = rig.command(*words, fed="x" * 1025)

    assert getattr(done.exception, "reference", "") == "nats-too-large"
    assert "max-payload" in str(done.exception.hint)
    most = 1024 - (ID_BYTES if "--ack" in words else 0)
    assert rig.command(*words, fed="x" * (most + 1)).exit_code == 1
    assert rig.command(*words, fed="x" * most).exit_code == 0


def test_every_command_has_an_example(rig: Any) -> None:
    """Help shows how each is typed."""
    rig.lay("")

    for name in nats.commands:
        assert f"Example: booty client bus {name}" in rig.command(name, "--help").output, name


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


def test_backup_of_a_server_that_takes_little(rig: Any, tmp_path: Path) -> None:
    """The pieces of a backup are no larger than a message may be."""
    server = rig.up('settings = { max-payload = "2KiB" }\n' + ORDERS)[0]
    rig.bootstrap()
    rig.publish("orders.new", 500)
    out = str(tmp_path / "saved")
    assert rig.command("backup", out).exit_code == 0
    server.stop()
    rig.root = _new(tmp_path)
    rig.up('settings = { max-payload = "2KiB" }\n' + ORDERS)

    assert "orders: 500 messages" in rig.command("restore", out).output
    assert rig.call("STREAM.INFO.orders")["state"]["messages"] == 500


def _new(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    folder.mkdir()
    return folder
