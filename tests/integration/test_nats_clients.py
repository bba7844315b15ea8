"""Programs and people that use a real NATS service: credentials, TLS, the client commands."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import pytest
from nats_shop import ORDERS, PATIENCE, Shop, heard

pytestmark = [pytest.mark.real, pytest.mark.slow]


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
    run = json.dumps([sys.executable, "till.py"])
    env = 'env = { NATS_URL = "${services.bus.url}" }\nready = { log = "sends" }\n'
    shop.write("", f'{ORDERS}[services.till]\nuse = "program"\nrun = {run}\n{env}')
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
    assert 0 < sent <= shop.messages()
    connect = "asyncio.run(nats.connect(sys.argv[1], allow_reconnect=False))"
    argv = (sys.executable, "-c", f"import asyncio, nats, sys; {connect}")
    done = subprocess.run(
        (*argv, json.loads(old)["NATS_URL"]),
        check=False, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert "Authorization Violation" in done.stderr
