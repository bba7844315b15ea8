"""Real NATS servers, booted by the command from a file: what a user relies on."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from nats_shop import ORDERS, Shop, kill, until

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_three_members_outlive_one(shop: Shop) -> None:
    """A cluster of three boots, loses a member, goes on taking orders, and has it back."""
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    before = shop.ps()
    assert {one["state"] for one in before.values()} == {"ready"}
    assert shop.streams()["orders"]["config"]["num_replicas"] == 3
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "20", "--ack")

    kill(before["bus.1"]["pid"])
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "20", "--ack")
    until(lambda: shop.ps()["bus.1"]["pid"] not in (None, before["bus.1"]["pid"]))
    shop.run("wait", "bus", "--for", "good", "--timeout", "60")
    after = shop.ps()

    assert after["bus.0"]["pid"] == before["bus.0"]["pid"]
    assert after["bus.1"]["restarts"] == 1
    assert shop.messages() == 40


def test_supervisor_killed(shop: Shop) -> None:
    """Kill the supervisor: the same server goes on, a successor is there, nothing is lost."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "100", "--ack")
    before = shop.table()
    kill(before["supervisor"]["pid"])
    after = until(
        lambda: (
            (now := shop.table())["supervisor"]
            and now["supervisor"]["pid"] != before["supervisor"]["pid"]
            and now
        )
    )
    old, new = before["services"][0], after["services"][0]

    assert (new["pid"], new["state"], new["restarts"]) == (old["pid"], "ready", 0)
    assert after["unwatched"] is False
    assert shop.messages() == 100
    shop.run("down")
    assert not Path(f"/proc/{old['pid']}").exists()


def test_data_outlives_down(shop: Shop) -> None:
    """Down and up again: credentials, ports and messages are the same."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "5", "--ack")
    before = shop.run("env")
    shop.run("down")
    shop.run("up", "-d")

    assert shop.messages() == 5
    assert shop.run("env") == before


def test_changed_stream_is_shown_and_made(shop: Shop) -> None:
    """The diff names the stream; the change is made without touching the process."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    pid = shop.ps()["bus.0"]["pid"]
    shop.write("", ORDERS + 'max-age = "7d"\n')

    assert "streams.orders changed" in shop.run("plan", "--diff")
    shop.run("up", "-d")
    assert shop.streams()["orders"]["config"]["max_age"] == 7 * 86400 * 10**9
    assert shop.ps()["bus.0"]["pid"] == pid


def test_every_restart_begins_with_lame_duck(shop: Shop) -> None:
    """By command or by a change, one after the other: each says goodbye to its clients first."""
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    shop.run("restart", "bus.1")
    shop.write('replicas = 3\nsettings = { sync-interval = "10s" }', ORDERS)
    shop.run("up", "-d")
    logs = {name: shop.run("logs", name, "-n", "100000") for name in shop.ps()}

    assert {name: text.count("Entering lame duck mode") for name, text in logs.items()} == {
        "bus.0": 1, "bus.1": 2, "bus.2": 1,
    }  # fmt: skip


def test_impossible_change_is_an_error_that_says_why(shop: Shop) -> None:
    """From file to memory: NATS's reason, and the messages are still there."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--ack")
    shop.write("", ORDERS + 'storage = "memory"\n')

    assert "can not change storage type" in shop.run("up", "-d", status=None)
    shop.write("", ORDERS)
    shop.run("up", "-d")
    assert shop.messages() == 1


def test_new_consumer_is_a_reload(shop: Shop) -> None:
    """A program that begins to use the bus gets in without a restart of the server."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    pid = shop.ps()["bus.0"]["pid"]
    program = '[services.main]\nuse = "program"\nrun = ["sleep", "1000"]\n'
    shop.write("", ORDERS + program + 'env = { NATS_URL = "${services.bus.url}" }\n')
    shop.run("up", "-d")

    assert shop.ps()["bus.0"]["pid"] == pid
    shop.run("client", "--as", "main", "bus", "pub", "orders.new", "tea", "--ack")


def test_bad_configuration_stops_nothing(shop: Shop) -> None:
    """The server's own check refuses the file; the running one goes on with the old one."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    before = shop.ps()["bus.0"]
    file = shop.root / ".booty/config/bus.0/nats.json"
    was = file.read_text()
    shop.write('config = { max_paylod = 5, write_deadline = "soon" }', ORDERS)
    told = shop.run("up", "-d", status=7)
    # the server names file and line, and the file is there to be looked at
    faults = dict(re.findall(r"(\S+/nats\.json:\d+):\d+: (.*)", told))

    assert sorted(faults.values()) == [
        'error parsing write_deadline: time: invalid duration "soon"',
        'unknown field "max_paylod"',
    ]
    for place, why in faults.items():
        path, _, line = place.rpartition(":")
        key = "max_paylod" if "max_paylod" in why else "write_deadline"
        assert key in "".join(Path(path).read_text().splitlines()[int(line) - 2 : int(line)])
    assert shop.ps()["bus.0"] == before
    assert file.read_text() == was
    shop.run("client", "bus", "pub", "orders.new", "tea", "--ack")


def test_from_one_to_three_is_refused_with_the_way(shop: Shop) -> None:
    """With messages inside: refused, nothing touched, and the way that is told works."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "30", "--ack")
    shop.write("replicas = 3", ORDERS)
    told = shop.run("up", "-d", status=3)

    assert "orders would stay behind" in told
    assert "booty client bus backup DIR" in told
    assert shop.messages() == 30
    shop.write("", ORDERS)
    shop.run("client", "bus", "backup", "saved")
    shop.run("destroy", "bus", "--yes", "stack")
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    assert "orders: 30 messages" in shop.run("client", "bus", "restore", "saved")
    assert shop.messages() == 30


def test_from_three_to_one_is_refused_with_the_way(shop: Shop) -> None:
    """The same from a cluster to a single server: nothing is touched, and the way works."""
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "30", "--ack")
    before = shop.ps()
    shop.write("", ORDERS)

    assert "orders would stay behind" in shop.run("up", "-d", status=3)
    assert shop.ps() == before
    shop.write("replicas = 3", ORDERS)
    shop.run("client", "bus", "backup", "saved")
    shop.run("destroy", "bus", "--yes", "stack")
    shop.write("", ORDERS)
    shop.run("up", "-d")
    assert "orders: 30 messages" in shop.run("client", "bus", "restore", "saved")
    assert shop.streams()["orders"]["config"]["num_replicas"] == 1
    assert shop.messages() == 30


PUBLISHER = """
import asyncio, os, sys
import nats
from nats.errors import Error

async def main():
    connection = await nats.connect(os.environ["NATS_URL"].split(","), max_reconnect_attempts=-1)
    number = doubtful = 0
    while not os.path.exists("enough"):
        try:
            await connection.jetstream().publish(
                "orders.new", b"tea", timeout=2, headers={"Nats-Msg-Id": str(number)}
            )
            number += 1
        except (Error, OSError, asyncio.TimeoutError):
            doubtful += 1  # an election is on: it may be stored or not, and is sent again
    print(number, doubtful)
    await connection.close()

asyncio.run(main())
"""


def test_scale_loses_nothing_that_was_acknowledged(shop: Shop) -> None:
    """To five and back under steady publishing, then to five by the file."""
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    (shop.root / "publisher.py").write_text(PUBLISHER)
    publisher = shop.begin("run", "--", sys.executable, "publisher.py")
    until(lambda: shop.messages() > 10)
    shop.run("scale", "bus=5")
    assert set(shop.ps()) == {f"bus.{number}" for number in range(5)}
    shop.run("wait", "bus", "--for", "good", "--timeout", "60")
    during = shop.messages()
    shop.run("scale", "bus=3")
    shop.run("wait", "bus", "--for", "good", "--timeout", "60")
    until(lambda: shop.messages() > during + 10)
    (shop.root / "enough").touch()
    acknowledged, doubtful = map(int, publisher.communicate(timeout=60)[0].split())
    stored = shop.messages()

    assert acknowledged <= stored <= acknowledged + doubtful
    assert set(shop.ps()) == {"bus.0", "bus.1", "bus.2"}
    gone = {name: shop.root / f".booty/logs/{name}.log" for name in ("bus.3", "bus.4")}
    assert all("Entering lame duck mode" in log.read_text() for log in gone.values())
    copies = shop.streams()["orders"]["cluster"]["replicas"]
    assert len(copies) == 2
    assert {one["name"] for one in copies} < {"bus.0", "bus.1", "bus.2"}

    shop.write("replicas = 5", ORDERS)
    shop.run("up", "-d")
    shop.run("wait", "bus", "--for", "good", "--timeout", "60")
    assert len(shop.ps()) == 5
    assert (shop.root / ".booty/data/bus.4.left-1").is_dir()
    assert shop.messages() == stored


def test_scale_refuses_what_would_stay_behind(shop: Shop) -> None:
    """From one to three with messages, and the only copy of a stream: nothing is touched."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "3", "--ack")
    before = shop.ps()
    assert "orders would stay behind" in shop.run("scale", "bus=3", status=3)
    assert "nats allows 1, 3, 5" in shop.run("scale", "bus=2", status=3)
    assert shop.ps() == before
    assert "nothing to do" in shop.run("up", "-d", status=None)


def test_stop_of_one_member_begins_with_lame_duck(shop: Shop) -> None:
    """Its clients are told to go elsewhere first."""
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    shop.run("stop", "bus.1")

    assert "Entering lame duck mode" in shop.run("logs", "bus.1", "-n", "100000")
    shop.run("start", "bus.1")
    shop.run("wait", "bus", "--for", "good", "--timeout", "60")


def test_no_secret_is_told(shop: Shop) -> None:
    """Nothing that people or files are shown holds a password."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    found = dict(line.split("=", 1) for line in shop.run("env").splitlines() if "=" in line)
    password = found["BUS_PASSWORD"].strip("'\"")
    told = shop.run("ps", "--json") + shop.run("plan", "--json") + shop.run("describe", "bus")
    written = "".join(
        path.read_text(errors="replace")
        for path in (shop.root / ".booty").rglob("*")
        if path.is_file()
    )

    assert len(password) >= 32
    assert password not in told + written
