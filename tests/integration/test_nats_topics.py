"""Portable topics on a real stack: by its faces, and by what ``run`` tells a program."""

from __future__ import annotations

import json
import sys

import pytest
from nats_shop import ORDERS, Shop

pytestmark = [pytest.mark.real, pytest.mark.slow]

FACES = """
import anyio, booty, sys

async def main():
    async with booty.Stack.open(sys.argv[1], lifetime="outlive-me") as stack:
        async with (
            stack.topic("bus", "orders.new") as topic,
            stack.subscription("bus", "orders.>", durable="billing", create=True) as billing,
        ):
            await topic.send(b"tea")
            async with await billing.receive() as message:
                print(message.topic, message.body.decode())

anyio.run(main)
with booty.SyncStack.open(sys.argv[1], lifetime="outlive-me") as stack:
    with (
        stack.topic("bus", "orders.new") as topic,
        stack.subscription("bus", "orders.>", durable="billing") as billing,
    ):
        topic.send(b"milk")
        with billing.receive(timeout=30) as message:
            print(message.topic, message.body.decode())
    try:
        with stack.topic("bus", "orders.new", color="red"):
            pass
    except booty.InvalidArgumentError as error:
        print(error.reference)
"""
PROGRAM = """
import os, sys, booty

with booty.SyncTopic.open(os.environ["ORDERS"]) as topic:
    topic.send(sys.argv[1].encode())
print("sent")
"""


@pytest.mark.parametrize("service", ["settings = { tls = true }", "replicas = 3"])
def test_topics_from_the_graph(shop: Shop, service: str) -> None:
    """The stack's faces, ``run`` and a program of the stack reach the same subject, TLS or not."""
    argv = json.dumps([sys.executable, "program.py", "coffee"])
    ca = "?ca=${services.bus.ca}" if "tls" in service else ""
    till = (
        f'[services.till]\nuse = "program"\nkind = "task"\nrun = {argv}\n'
        f'env = {{ ORDERS = "${{services.bus.url}}/orders.new{ca}" }}\n'
    )
    (shop.root / "program.py").write_text(PROGRAM)
    shop.write(service, ORDERS + till)
    shop.run("up", "-d")
    assert shop.run("logs", "till").splitlines()[0] == "sent"

    said = shop.run("run", "--", sys.executable, "-c", FACES, str(shop.root)).split("\n")
    assert said[:3] == ["orders.new coffee", "orders.new tea", "url-parameter-unknown"]

    shop.run("run", "--", "env", "ORDERS=nats:///orders.new", sys.executable, "program.py", "water")
    assert shop.messages() == 4
