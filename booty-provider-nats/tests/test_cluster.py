"""Clusters of real servers on one machine."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import booty_provider_nats
import pytest
from attrs import evolve
from booty import ConfigError, Health, Service
from booty_provider_nats.api import ask
from booty_provider_nats.session import as_consumer, as_system

pytestmark = [pytest.mark.real, pytest.mark.slow]

ORDERS = '[services.bus.streams.orders]\nsubjects = ["orders.>"]\n'
THREE = f"replicas = 3\n{ORDERS}"


def info(rig: Any) -> dict[str, Any]:
    """What NATS knows of the stream ``orders``."""
    found: dict[str, Any] = rig.call("STREAM.INFO.orders")
    return found


def current(rig: Any, members: int = 3) -> bool:
    """Tell whether every copy of the stream is up to date."""
    cluster = info(rig).get("cluster") or {}
    copies = cluster.get("replicas") or []
    return len(copies) == members - 1 and all(one["current"] for one in copies)


def good(rig: Any, number: int) -> bool:
    """Tell whether a member is in full health."""
    return bool(rig.look(number).good)


def steady(rig: Any, count: int, between: Any = None) -> None:
    """Publish numbers through any member, each until it is acknowledged."""
    from nats.errors import Error

    async def send() -> None:
        async with booty_provider_nats.client(instance=rig.servers[0].instance) as connection:
            jetstream = connection.jetstream()
            for number in range(count):
                if between and number == count // 2:
                    between()
                stored = False
                while not stored:
                    try:
                        await jetstream.publish(
                            "orders.new",
                            str(number).encode(),
                            timeout=2,
                            headers={"Nats-Msg-Id": str(number)},
                        )
                        stored = True
                    except (Error, TimeoutError):
                        pass  # an election is on; the id keeps it from being stored twice

    rig.run(send())


def test_a_killed_member_comes_back(rig: Any) -> None:
    """Three servers: writes go on without one, it comes back, its copy catches up."""
    servers = rig.up(THREE)
    rig.bootstrap()

    assert info(rig)["config"]["num_replicas"] == 3
    rig.until(lambda: all(good(rig, number) for number in range(3)))
    leader = info(rig)["cluster"]["leader"]
    victim = next(one for one in servers if one.instance.name == leader)
    steady(rig, 200, between=lambda: victim.send(signal.SIGKILL))
    assert victim.ended() == -signal.SIGKILL
    lost = int(leader.rpartition(".")[2])
    others = [number for number in range(3) if number != lost]
    gone = rig.look(lost)
    # the leader notices the silence after some seconds, not at once
    seen = rig.until(lambda: not (found := rig.look(others[0])).good and found)
    assert (gone.alive, gone.good) == (False, False)
    assert (seen.alive, seen.ready, seen.good) == (True, True, False)
    assert seen.reason

    steady_before = info(rig)["state"]["messages"]
    victim.start()
    rig.until(victim.ready)
    rig.until(lambda: current(rig))
    rig.until(lambda: good(rig, lost))

    assert steady_before == 200
    assert info(rig)["state"]["messages"] == 200


def test_first_looks_at_a_new_cluster_are_good(rig: Any) -> None:
    """Each member's first look comes at one time; a stream that is only just there is no fault."""
    servers = rig.up(THREE)

    async def look() -> list[Health]:
        looks = (booty_provider_nats.health(instance=one.instance) for one in servers)
        return await asyncio.gather(*looks)

    found = rig.run(look())
    assert [(one.good, one.reason) for one in found] == [(True, None)] * 3


def test_a_list_is_whole_while_a_stream_has_no_leader(rig: Any) -> None:
    """What the cluster leaves out of its list, for want of an answer, is asked for by name."""
    rig.up(THREE)
    rig.bootstrap()
    rig.publish("orders.new", 7)
    leader = led_by_another(rig)
    victim = next(one for one in rig.servers if one.instance.name == leader)
    victim.send(signal.SIGSTOP)
    try:
        told = rig.call("STREAM.LIST")
        found = json.loads(rig.command("streams", "--json").output)
    finally:
        victim.send(signal.SIGCONT)

    assert (told["streams"], told["missing"]) == ([], ["orders"])
    assert [one["state"]["messages"] for one in found] == [7]


def led_by_another(rig: Any) -> str:
    """Have the stream led by a member that does not lead the cluster; return its name."""

    async def leader() -> str:
        async with as_system(rig.servers[0].instance) as connection:
            body = {"leader_only": True}
            answer = await ask(connection, "$SYS.REQ.SERVER.PING.JSZ", body)
            return str(answer["data"]["meta_cluster"]["leader"])

    def settled() -> str | None:
        name = info(rig)["cluster"].get("leader")
        if name == rig.run(leader()):
            rig.call("STREAM.LEADER.STEPDOWN.orders")
            return None
        return name

    found: str = rig.until(settled)
    return found


def test_two_of_three_lost_is_not_good(rig: Any) -> None:
    """Without a majority the survivor lives and greets, and does not do its job."""
    servers = rig.up(THREE)
    for server in servers[1:]:
        server.stop(signal.SIGKILL)
    health = rig.look(0)

    assert (health.alive, health.ready, health.good) == (True, True, False)
    assert health.reason


def test_lame_duck_loses_nothing(rig: Any) -> None:
    """A member that is drained before its restart leaves no gap; everything is there after."""
    servers = rig.up(THREE)
    rig.bootstrap()
    leader = info(rig)["cluster"]["leader"]
    duck = next(one for one in servers if one.instance.name == leader)
    steady(rig, 300, between=lambda: duck.send(signal.SIGUSR2))

    assert duck.ended() == 0
    duck.start()
    rig.until(duck.ready)
    rig.until(lambda: current(rig))
    assert info(rig)["state"]["messages"] == 300


def test_from_one_to_three_with_messages(rig: Any, tmp_path: Path) -> None:
    """It is refused, because they would stay behind, and the way that is told works."""
    one = rig.up(ORDERS)
    rig.bootstrap()
    rig.publish("orders.new", 100)
    old = rig.service
    rig.lay(THREE)
    new = rig.service

    with pytest.raises(ConfigError, match="orders would stay behind") as caught:
        rig.run(booty_provider_nats.migrate(service=new, old=old, new=new))
    assert "booty client bus backup" in str(caught.value.hint)

    rig.lay(ORDERS)
    out = str(tmp_path / "saved")
    assert rig.command("backup", out).exit_code == 0
    assert one[0].stop() == 0
    rig.root = tmp_path / "second"
    rig.root.mkdir()
    rig.up(THREE)
    rig.bootstrap()
    assert rig.command("restore", out).exit_code == 0
    rig.until(lambda: current(rig))
    assert info(rig)["state"]["messages"] == 100


def test_a_single_servers_messages_outlive_a_cluster(rig: Any) -> None:
    """Whoever makes a cluster all the same, and goes back to one server, finds everything."""
    one = rig.up(ORDERS)
    rig.bootstrap()
    rig.publish("orders.new", 10)
    one[0].stop()
    rig.up(THREE)
    rig.bootstrap()
    assert info(rig)["state"]["messages"] == 0
    for server in rig.servers:
        server.stop()
    rig.up(ORDERS)

    assert info(rig)["state"]["messages"] == 10


def test_from_one_to_three_without_messages(rig: Any) -> None:
    """A single server that holds nothing may become a cluster."""
    rig.up("")
    old = rig.service
    rig.servers[0].stop()
    rig.up(THREE)

    rig.run(booty_provider_nats.migrate(service=rig.service, old=old, new=rig.service))
    rig.until(lambda: good(rig, 0))


def drained(rig: Any, instance: Any) -> bool:
    """Tell whether nothing is left to be moved off a member that leaves."""
    return rig.run(booty_provider_nats.drain(instance=instance, leaving=True)) is None


def test_from_three_to_five_and_back(rig: Any) -> None:
    """A cluster grows while it runs, and shrinks again; no message is lost on the way."""
    rig.up(THREE)
    rig.bootstrap()
    rig.publish("orders.new", 50)
    old = rig.service
    five = rig.lay(f"replicas = 5\n{ORDERS}")
    rig.run(booty_provider_nats.migrate(service=rig.service, old=old, new=rig.service))
    for server in five:  # one after the other, as a rolling restart does it
        if server.process:
            server.stop(signal.SIGINT)
        server.start()
        rig.until(server.greets)
    for server in five:
        rig.until(server.ready)
    rig.until(lambda: all(good(rig, number) for number in range(5)))
    assert info(rig)["state"]["messages"] == 50

    three = Service(name="bus", instances=rig.service.instances[:3])
    rig.run(booty_provider_nats.migrate(service=three, old=rig.service, new=three))
    for server in reversed(five[3:]):
        rig.until(lambda one=server: drained(rig, one.instance))
        server.stop()
        rig.run(booty_provider_nats.leave(instance=server.instance))  # again is no fault
    rig.lay(THREE)
    for server in rig.servers:
        server.stop()
        server.start()
        rig.until(server.greets)
    rig.until(lambda: all(good(rig, number) for number in range(3)))
    assert info(rig)["state"]["messages"] == 50


def test_five_cannot_become_three_while_streams_have_five_copies(rig: Any) -> None:
    """The streams are named, and what to write first."""
    rig.up(f"replicas = 5\n{ORDERS}replicas = 5\n")
    rig.bootstrap()
    three = Service(name="bus", instances=rig.service.instances[:3])

    with pytest.raises(ConfigError, match="more copies are asked for by orders"):
        rig.run(booty_provider_nats.migrate(service=three, old=rig.service, new=three))


def test_who_holds_the_only_copy_does_not_leave(rig: Any) -> None:
    """It would be lost: the stream is named, and the server stays a member."""
    rig.up(f"replicas = 3\n{ORDERS}replicas = 1\n")
    rig.bootstrap()
    rig.publish("orders.new", 5)
    leader = info(rig)["cluster"]["leader"]
    holder = next(one for one in rig.servers if one.instance.name == leader)
    other = next(one.instance for one in rig.servers if one is not holder)
    peers = [peer for peer in holder.instance.peers if peer.name == other.name]
    leaves = evolve(holder.instance, index=9, peers=peers)

    with pytest.raises(ConfigError, match="it holds the only copy of orders"):
        rig.run(booty_provider_nats.drain(instance=leaves, leaving=True))
    assert info(rig)["state"]["messages"] == 5


def test_members_talk_tls(rig: Any) -> None:
    """With ``tls = true`` the routes between members are encrypted and verified too."""
    servers = rig.up("replicas = 3\nsettings = { tls = true }\n")
    rig.until(lambda: all(good(rig, number) for number in range(3)))

    assert all("TLS" in one.log.read_text() for one in servers)

    async def through_any() -> int:
        async with as_consumer(servers[0].instance, "main") as connection:
            return len(connection.servers)

    assert rig.run(through_any()) == 3
