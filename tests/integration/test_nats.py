"""Real NATS servers, booted by the command from a file: what a user relies on."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest
from attrs import define

pytestmark = [pytest.mark.real, pytest.mark.slow]

_T = TypeVar("_T")
PATIENCE = 60.0
ORDERS = '[services.bus.streams.orders]\nsubjects = ["orders.>"]\n'


def until(seen: Callable[[], _T]) -> _T:
    """Return what ``seen`` gives as soon as it is true; looks again every 20 ms."""
    never, end = threading.Event(), time.monotonic() + PATIENCE
    while not (found := seen()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {seen}"
        never.wait(0.02)
    return found


@define
class Shop:
    """A stack with one service ``bus``, asked through the command."""

    root: Path
    env: dict[str, str]
    first: int

    def write(self, service: str = "", rest: str = "") -> None:
        """Write booty.toml: keys of the service, then further tables."""
        ports = ", ".join(
            f"{name} = {self.first + 10 * at}"
            for at, name in enumerate(("client", "monitor", "cluster"))
            if name != "cluster" or "replicas" in service
        )
        (self.root / "booty.toml").write_text(
            f'[services.bus]\nuse = "nats"\nports = {{ {ports} }}\n{service}\n{rest}\n'
        )

    def run(self, *arguments: str, status: int | None = 0) -> str:
        """Run the command in the stack's folder; check how it ends; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "booty", *arguments],
            cwd=self.root,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if "cannot be had" in done.stderr or "cannot fetch" in done.stderr:
            pytest.skip(f"nats-server cannot be had here: {done.stderr}")
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stdout + done.stderr

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and go on."""
        return subprocess.Popen(
            [sys.executable, "-m", "booty", *arguments],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ps(self) -> dict[str, dict[str, Any]]:
        """What ``ps --json`` says, by instance."""
        return {one["instance"]: one for one in self.table()["services"]}

    def table(self) -> dict[str, Any]:
        """The whole of ``ps --json``."""
        found: dict[str, Any] = json.loads(self.run("ps", "--json"))
        return found

    def streams(self) -> dict[str, dict[str, Any]]:
        """What ``client bus streams`` says, by name."""
        text = self.run("client", "bus", "streams", "--json")
        return {one["config"]["name"]: one for one in json.loads(text)}

    def messages(self) -> int:
        """How many messages the stream ``orders`` holds."""
        return int(self.streams()["orders"]["state"]["messages"])


@pytest.fixture
def shop(tmp_path: Path, clean_env: dict[str, str], pytestconfig: pytest.Config) -> Iterator[Shop]:
    """A stack that is down when the test ends; programs come from a store that tests share."""
    home = Path(clean_env["BOOTY_HOME"])
    home.mkdir()
    assert pytestconfig.cache is not None
    (home / "store").symlink_to(pytestconfig.cache.mkdir("booty-store"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    root = tmp_path / "stack"
    root.mkdir()
    made = Shop(root, clean_env, 15000 + worker * 100 + os.getpid() % 10 * 30)
    yield made
    made.run("down", status=None)


def heard(stream: IO[str] | None) -> str:
    """Return the next line that a process says."""
    assert stream is not None
    assert select.select([stream], [], [], PATIENCE)[0], "nothing is said"
    return stream.readline().rstrip()


def kill(pid: int) -> None:
    """Kill a process that is not ours, and wait for its end."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        assert select.select([handle], [], [], PATIENCE)[0]
    finally:
        os.close(handle)


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


PUBLISHES = """
import asyncio, os, signal
import nats
from nats.errors import Error

async def main():
    over, sent = asyncio.Event(), 0
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    forever = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.1}
    connection = await nats.connect(os.environ["NATS_URL"].split(","), **forever)
    jetstream = connection.jetstream()
    while not over.is_set():
        name = {"Nats-Msg-Id": f"{os.getpid()}-{sent}"}
        try:
            await jetstream.publish("orders.new", b"tea", timeout=2, headers=name)
        except (Error, TimeoutError):
            continue
        sent += 1
        if sent == 1:
            print("sends", flush=True)
    print("sent", sent, flush=True)
    await connection.close()

asyncio.run(main())
"""


def test_rotated_password_loses_nothing(shop: Shop) -> None:
    """A new password for a program: the servers reload, the program goes on, and only with that."""
    (shop.root / "till.py").write_text(PUBLISHES)
    argv = json.dumps([sys.executable, "till.py"])
    env = 'env = { NATS_URL = "${services.bus.url}" }\nready = { log = "sends" }\n'
    shop.write("", f'{ORDERS}[services.till]\nuse = "program"\nrun = {argv}\n{env}')
    shop.run("up", "-d")
    before, old = shop.ps(), shop.run("env", "--as", "till", "--format", "json")
    shop.run("secrets", "rotate", "bus.till.password")
    shop.run("up", "-d")
    after, new = shop.ps(), shop.run("env", "--as", "till", "--format", "json")
    shop.run("stop", "till")
    sent = sum(map(int, re.findall(r"sent (\d+)", shop.run("logs", "till"))))

    assert json.loads(old)["BUS_PASSWORD"] != json.loads(new)["BUS_PASSWORD"]
    assert after["bus.0"]["pid"] == before["bus.0"]["pid"]
    assert after["till.0"]["pid"] != before["till.0"]["pid"]
    assert shop.messages() == sent > 0
    try_old = (
        "import asyncio, nats, sys; asyncio.run(nats.connect(sys.argv[1], allow_reconnect=False))"
    )
    done = subprocess.run(
        [sys.executable, "-c", try_old, json.loads(old)["NATS_URL"]],
        check=False, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert "Authorization Violation" in done.stderr


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


def test_from_three_to_five_and_back(shop: Shop) -> None:
    """A cluster grows and shrinks by one number in the file, with its messages."""
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "20", "--ack")
    shop.write("replicas = 5", ORDERS)
    shop.run("up", "-d")
    shop.run("wait", "bus", "--for", "good", "--timeout", "60")
    assert len(shop.ps()) == 5
    assert shop.messages() == 20
    shop.write("replicas = 3", ORDERS)
    shop.run("up", "-d")
    shop.run("wait", "bus", "--for", "good", "--timeout", "60")
    assert len(shop.ps()) == 3
    assert shop.messages() == 20


def test_tls_from_the_local_authority(shop: Shop) -> None:
    """With ``tls = true`` the URL says so, and the client trusts the stack's own authority."""
    shop.write("settings = { tls = true }", ORDERS)
    shop.run("up", "-d")

    assert "NATS_URL=tls://user:" in shop.run("env").replace('"', "").replace("'", "")
    shop.run("client", "bus", "pub", "orders.new", "tea", "--ack")
    assert shop.messages() == 1


CLIENT = """
import asyncio, os, ssl, sys
import nats

async def main():
    how = {}
    if "NATS_CA" in os.environ:
        how["tls"] = ssl.create_default_context(cafile=os.environ["NATS_CA"])
    connection = await nats.connect(os.environ["NATS_URL"].split(","), **how)
    stored = await connection.jetstream().publish("orders.new", sys.argv[1].encode())
    print(stored.stream, stored.seq, flush=True)
    await connection.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("variable", ["NATS_CA", "SSL_CERT_FILE"])
def test_programs_trust_the_local_authority(shop: Shop, variable: str) -> None:
    """A program of the stack is told the authority's file; so is whatever ``run`` starts."""
    (shop.root / "client.py").write_text(CLIENT)
    argv = json.dumps([sys.executable, "client.py", "tea"])
    env = f'NATS_URL = "${{services.bus.url}}", {variable} = "${{services.bus.ca}}"'
    program = f'[services.till]\nuse = "program"\nkind = "task"\nrun = {argv}\nenv = {{ {env} }}\n'
    shop.write("settings = { tls = true }", ORDERS + program)
    shop.run("up", "-d")

    assert shop.run("logs", "till").splitlines()[0] == "orders 1"
    assert shop.run("run", "--", sys.executable, "client.py", "milk").strip() == "orders 2"
    assert shop.messages() == 2


ANSWERS = """
import asyncio, os, ssl
import nats

async def main():
    trust = {"tls": ssl.create_default_context(cafile=os.environ["NATS_CA"])}
    connection = await nats.connect(os.environ["NATS_URL"].split(","), **trust)
    done = asyncio.get_running_loop().create_future()

    async def answer(message):
        await message.respond(message.data.upper())
        done.set_result(None)

    await connection.subscribe("prices.get", cb=answer)
    await connection.flush()
    print("asks welcome", flush=True)
    await done
    await connection.flush()
    await connection.close()

asyncio.run(main())
"""


def test_people_talk_to_a_cluster_with_tls(shop: Shop) -> None:
    """``sub`` hears what ``pub`` says, ``request`` is answered; ctrl-C ends a ``sub`` quietly."""
    shop.write("replicas = 3\nsettings = { tls = true }", ORDERS)
    (shop.root / "answers.py").write_text(ANSWERS)
    shop.run("up", "-d")
    with (
        shop.begin("client", "bus", "sub", "orders.>", "--count", "2") as hears,
        shop.begin("client", "bus", "sub") as goes_on,
        shop.begin("run", "--", sys.executable, "answers.py") as answers,
    ):
        assert heard(hears.stderr) == "listening to orders.>"
        assert heard(goes_on.stderr) == "listening to >"
        assert heard(answers.stdout) == "asks welcome"
        shop.run("client", "bus", "pub", "orders.new", "tea", "--count", "2")
        assert shop.run("client", "bus", "request", "prices.get", "tea") == "TEA\n"
        goes_on.send_signal(signal.SIGINT)
        told = [one.communicate(timeout=PATIENCE) for one in (hears, goes_on)]

    assert [(one.returncode, one.args[-1]) for one in (hears, goes_on)] == [(0, "2"), (130, "sub")]
    assert told[0] == ("orders.new tea\norders.new tea\n", "")
    assert "prices.get tea" in told[1][0]
    assert told[1][1].strip() == ""


def test_client_of_a_server_that_is_down(shop: Shop) -> None:
    """Every command says at once who does not answer, and what to type."""
    shop.write("", ORDERS)
    shop.run("up", "-d")
    shop.run("down")

    for words in (("pub", "orders.new", "tea"), ("sub",), ("request", "a", "b"), ("streams",)):
        told = shop.run("client", "bus", *words, status=8)
        assert 'nats-connect: cannot connect to "bus" as "user"' in told
        assert "hint: " in told


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
