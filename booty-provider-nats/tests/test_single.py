"""One real server: check, users, health, reload, stop."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import booty_provider_nats
import pytest
from attrs import evolve
from booty import Endpoint, HealthError, Instance
from booty.run import stamp
from booty_provider_nats import session
from booty_provider_nats.session import as_consumer, client_of

pytestmark = pytest.mark.real
PATIENCE = 30.0


async def connect(instance: Instance) -> str:
    """Connect as somebody, and say the server's name."""
    async with booty_provider_nats.client(instance=instance) as connection:
        return str(connection.connected_url.netloc)


def test_check_accepts_what_is_written(rig: Any) -> None:
    """The server's own check takes the file of a server with every port and setting."""
    server = rig.lay(
        'settings = { domain = "hub", max-memory = "64MiB", max-file = "1GiB",'
        ' sync-interval = "always", debug = true }\nlabels = { leaf = "websocket" }'
    )[0]
    done = server.check()

    assert done.returncode == 0, done.stderr
    assert server.launch.check.expect in done.stderr
    assert {"leaf", "websocket"} <= set(server.instance.endpoints)


def test_check_refuses_an_unknown_key(rig: Any) -> None:
    """A raw key that NATS does not know is found before anything is stopped."""
    done = rig.lay("config = { max_paylod = 5 }")[0].check()

    assert done.returncode == 1
    assert 'unknown field "max_paylod"' in done.stderr


def test_file_is_private_and_holds_no_password(rig: Any) -> None:
    """Users' passwords stand in the file as hashes only, and nobody else can read it."""
    server = rig.lay("")[0]
    server.write()
    path = next(Path(path) for path in server.launch.files if path.endswith("nats.json"))
    text = path.read_text()
    user = next(one for one in server.instance.consumers if one.name == "user")

    assert path.stat().st_mode & 0o077 == 0
    assert user.secrets["password"] not in text
    assert user.secrets["password:bcrypt"] in text


def test_each_consumer_gets_in_with_its_own_password(rig: Any) -> None:
    """``user`` and the program ``main`` are different users; both are let in."""
    server = rig.up()[0]
    names = [one.name for one in server.instance.consumers]

    async def both() -> list[bool]:
        found = []
        for name in names:
            async with as_consumer(server.instance, name) as connection:
                found.append(connection.is_connected)
        return found

    assert names == ["main", "user"]
    assert rig.run(both()) == [True, True]


def test_url_lets_its_consumer_in(rig: Any) -> None:
    """The URL that a program gets is all that nats-py needs."""
    import nats

    rig.up()

    async def ask() -> str:
        connection = await nats.connect(rig.url.split(","))
        try:
            return str(connection.connected_url.username)
        finally:
            await connection.close()

    assert rig.run(ask()) == "main"


def test_wrong_password_is_refused_at_once(rig: Any) -> None:
    """nats-py would go on trying; the client says what NATS said."""
    rig.up()

    with pytest.raises(HealthError, match="authorization violation") as caught:
        rig.run(connect(rig.with_password("wrong")))
    assert caught.value.reference == "nats-connect"


def test_closed_port_is_told_at_once(rig: Any) -> None:
    """Nobody there: an error within a second, not after two minutes."""
    server = rig.lay("")[0]

    with pytest.raises(HealthError, match="no servers available"):
        rig.run(connect(server.instance))


def test_nobody_gets_in_without_a_password(rig: Any) -> None:
    """There is no default user."""
    import nats
    from nats.errors import Error

    server = rig.up()[0]

    async def enter() -> None:
        heard: list[Exception] = []

        async def listen(error: Exception) -> None:
            heard.append(error)

        connection = nats.NATS()
        try:
            await connection.connect(
                server.instance.endpoints["client"].url,
                allow_reconnect=False,
                error_cb=listen,
            )
        finally:
            await connection.close()

    with pytest.raises(Error, match="Authorization"):
        rig.run(enter())


def test_health_of_a_good_server(rig: Any) -> None:
    """A server that has just started lives, takes work and does its job; twice too."""
    rig.up()

    for _ in range(2):
        health = rig.look()
        assert (health.alive, health.ready, health.good) == (True, True, True), health.reason


def test_health_of_nobody(rig: Any) -> None:
    """Where nobody listens nothing is well, and the address is named."""
    server = rig.lay("")[0]
    health = rig.look()

    assert (health.alive, health.ready, health.good) == (False, False, False)
    assert server.instance.endpoints["client"].address in health.reason


def test_health_of_somebody_else(rig: Any) -> None:
    """Another server at the address is not taken for ours."""
    server = rig.up()[0]
    server.instance = evolve(server.instance, name="bus.7")

    assert "another server" in rig.look().reason


def test_health_without_jetstream(rig: Any) -> None:
    """A server whose JetStream is off lives, but is not ready."""
    server = rig.lay("")[0]
    path = next(iter(server.launch.files))
    content = json.loads(server.launch.files[path].content)
    content.pop("jetstream")
    for account in content["accounts"].values():
        account.pop("jetstream", None)
    server.launch = evolve(
        server.launch,
        files={path: evolve(server.launch.files[path], content=json.dumps(content))},
    )
    server.start()
    rig.until(server.ready)
    health = rig.look()

    assert (health.alive, health.ready, health.reason) == (True, False, "JetStream is off")


def test_health_when_a_write_fails(rig: Any) -> None:
    """A server that cannot write to its disk is ready but not good, and says why."""
    server = rig.up()[0]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    health = rig.look()

    assert (health.alive, health.ready, health.good) == (True, True, False)
    assert "JetStream" in health.reason


def test_health_of_a_server_that_hangs(rig: Any) -> None:
    """A stopped process is not alive, and the look ends."""
    server = rig.up()[0]
    server.send(signal.SIGSTOP)
    health = rig.look()

    assert health.good is False
    assert health.reason


def test_a_member_that_greets_and_hangs_is_passed_over(rig: Any, monkeypatch: Any) -> None:
    """Whoever connects is served by another member, after one deadline."""
    instance = rig.up()[0].instance

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id": "mute", "max_payload": 1048576}\r\n')
        await reader.read()
        writer.close()

    async def connect() -> bool:
        listening = await asyncio.start_server(mute, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        mutes = evolve(instance.endpoints["client"], port=port)

        async def mute_first(_members: list[Endpoint]) -> list[Endpoint]:
            return [mutes, instance.endpoints["client"]]

        monkeypatch.setattr(session, "CONNECT_SECONDS", 1.0)
        monkeypatch.setattr(session, "_reachable_first", mute_first)
        async with listening, as_consumer(instance) as connection:
            return bool(connection.is_connected)

    assert rig.run(connect())


def test_new_consumer_is_taken_without_a_restart(rig: Any) -> None:
    """Reload lets a new user in, and the one that is connected stays."""
    server = rig.up()[0]
    more = '[services.more]\nuse = "program"\nrun = ["true"]\nenv = { U = "${services.bus.url}" }'

    async def change() -> tuple[bool, bool, str]:
        async with client_of(server.instance) as stays:
            new = rig.lay(more)[0]
            new.write()
            took = await booty_provider_nats.reload(instance=new.instance)
            async with as_consumer(new.instance, "more"):
                await stays.flush()
                return took, stays.is_connected, new.instance.consumers[1].name

    assert rig.run(change()) == (True, True, "more")


def test_reload_says_what_it_cannot_take(rig: Any) -> None:
    """A change that needs a restart is refused as a whole by NATS, and reported."""
    rig.up()
    server = rig.lay('settings = { domain = "hub" }')[0]
    server.write()

    assert rig.run(booty_provider_nats.reload(instance=server.instance)) is False


def test_reload_of_nobody_is_a_restart(rig: Any) -> None:
    """A server that is not there cannot be asked."""
    server = rig.lay("")[0]

    assert rig.run(booty_provider_nats.reload(instance=server.instance)) is False


@pytest.mark.parametrize("version", ["2.15.0", "2.14.6"])
def test_declared_stop_signal_ends_with_zero(rig: Any, version: str) -> None:
    """INT is a clean end with status 0 in every version."""
    server = rig.up(f'version = "{version}"')[0]

    assert rig.look().good is True
    assert server.stop() == 0


def test_what_is_declared_about_it_is_true(rig: Any) -> None:
    """Metrics are told where they are declared to be, and a log line's time is read."""
    server = rig.up()[0]
    component = booty_provider_nats.components()[0]
    monitor = server.instance.endpoints["monitor"]
    told = []
    for one in component.metrics:
        with urllib.request.urlopen(f"{monitor.url}{one.path}", timeout=PATIENCE) as answer:
            told.append(json.load(answer)["server_id"])
    lines = server.log.read_text().splitlines()
    read = [stamp.read(line, component.log_time) for line in lines]

    assert told[0] == told[1]
    assert None not in read
    assert read == sorted(read)
    assert abs(read[-1] - time.time()) < PATIENCE


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 0), (("--no-such-flag",), 0), (("-c", "/nowhere"), 1)]
)
def test_what_ends_with_zero(rig: Any, arguments: tuple[str, ...], code: int) -> None:
    """An unknown flag prints the help and ends with 0: a status alone proves nothing."""
    server = rig.lay("")[0]
    program, *words = server.check_argv()
    done = subprocess.run(
        [program, *words, *arguments], check=False, capture_output=True, text=True, timeout=20
    )

    assert done.returncode == code
    assert (server.launch.check.expect in done.stderr) is (not arguments)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGQUIT, 2)]
)
def test_exit_codes(rig: Any, number: int, code: int) -> None:
    """What the reference page says of 2.15; old servers answer TERM with 1, so INT is declared."""
    assert rig.up()[0].stop(number) == code


def test_lame_duck_ends_by_itself(rig: Any) -> None:
    """USR2 says goodbye to clients first; a look says so; the process ends with 0."""
    server = rig.up()[0]
    server.send(signal.SIGUSR2)
    rig.until(lambda: rig.look().reason)

    assert server.ended() == 0


def test_data_outlives_a_kill(rig: Any) -> None:
    """Every acknowledged message is there after kill -9 and a start."""
    server = rig.up('[services.bus.streams.orders]\nsubjects = ["orders.>"]')[0]
    rig.bootstrap()
    rig.publish("orders.new", 200)
    server.stop(signal.SIGKILL)
    server.start()
    rig.until(server.ready)

    assert rig.call("STREAM.INFO.orders")["state"]["messages"] == 200


def test_newer_version_reads_older_data(rig: Any) -> None:
    """An upgrade from 2.14 to 2.15 keeps the messages."""
    declared = '[services.bus.streams.orders]\nsubjects = ["orders.>"]'
    server = rig.up(f'version = "2.14.6"\n{declared}')[0]
    rig.bootstrap()
    rig.publish("orders.new", 10)
    server.stop()
    rig.up(f'version = "2.15.0"\n{declared}')

    assert rig.call("STREAM.INFO.orders")["state"]["messages"] == 10


def test_tls_is_asked_for_and_trusted(rig: Any) -> None:
    """Clients trust the stack's own authority; those that do not are turned away."""
    server = rig.up("settings = { tls = true }")[0]
    endpoint: Endpoint = server.instance.endpoints["client"]
    health = rig.look()

    assert endpoint.scheme == "tls"
    assert rig.url.startswith("tls://main:")
    assert health.good is True, health.reason
    assert rig.run(connect(server.instance)) == endpoint.address
    plain = evolve(server.instance, settings=evolve(server.instance.settings, tls=False))
    with pytest.raises(HealthError, match=r"tls|ssl|certificate"):
        rig.run(connect(plain))


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("tls", [False, True])
def test_websocket_and_leaf_ports_are_opened(rig: Any, *, tls: bool) -> None:
    """Declared ports that the file names are listened on, and only these; both speak."""
    secure = "true" if tls else "false"
    server = rig.up(f'labels = {{ leaf = "websocket" }}\nsettings = {{ tls = {secure} }}')[0]
    told = server.log.read_text()
    leaf, websocket = (server.instance.endpoints[name] for name in ("leaf", "websocket"))

    assert websocket.scheme == ("wss" if tls else "ws")
    assert "0.0.0.0" not in told
    with socket.create_connection((leaf.host, leaf.port), 5.0) as link:
        assert link.recv(4) == b"INFO"
    with socket.create_connection((websocket.host, websocket.port), 5.0) as plain:
        trust = ssl.create_default_context(cadata=server.instance.secrets.get("certificate:ca"))
        with trust.wrap_socket(plain, server_hostname="localhost") if tls else plain as link:
            link.sendall(UPGRADE)
            assert link.recv(4096).startswith(b"HTTP/1.1 101 ")


def test_a_leaf_node_joins_as_a_consumer(rig: Any, tmp_path: Path) -> None:
    """A leaf dials the hub with a consumer's credentials, and its streams have their own domain."""
    hub = rig.up('settings = { domain = "hub" }\nlabels = { leaf = "yes" }')[0]
    user = next(one for one in hub.instance.consumers if one.name == "user")
    address = hub.instance.endpoints["leaf"].address
    remote = f"nats-leaf://user:{user.secrets['password']}@{address}"
    edge = type(rig)(tmp_path / "edge", rig.artifact)
    edge.root.mkdir()
    try:
        edge.up(
            'settings = { domain = "edge" }\n'
            "[services.bus.config.leafnodes]\n"
            f'remotes = [{{ url = "{remote}", account = "APP" }}]\n'
            '[services.bus.streams.seen]\nsubjects = ["seen.>"]'
        )
        edge.bootstrap()
        edge.publish("seen.here", 3)

        async def from_hub() -> int:
            async with as_consumer(hub.instance) as connection:
                found = await connection.jetstream(domain="edge").stream_info("seen")
                return int(found.state.messages)

        rig.until(lambda: "Leafnode connection created" in hub.log.read_text())
        assert rig.run(from_hub()) == 3
    finally:
        edge.end()
