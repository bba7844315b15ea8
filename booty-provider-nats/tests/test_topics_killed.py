"""``nats://`` topics while servers and subscribers are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import anyio
import booty
import pytest
from anyio import to_thread
from conftest_deadline import run

RECEIVER = """
import sys
import anyio, booty

async def main(url, count):
    async with booty.open_subscription(url) as subscription:
        for _ in range(count):
            print((await subscription.receive()).body.decode(), flush=True)
        await anyio.Event().wait()

anyio.run(main, sys.argv[1], int(sys.argv[2]))
"""
real = pytest.mark.real


@real
def test_a_server_that_is_killed_and_comes_back(rig: Any) -> None:
    """Sends and receives go on; all is stored once, and nothing acknowledged comes again."""
    (server,) = rig.up()
    count = 3000

    async def body() -> None:
        url = f"{rig.url}/orders?create=true"
        seen: set[int] = set()
        async with (
            booty.open_topic(url) as topic,
            booty.open_subscription(f"{url}&ack_wait=2s") as one,
        ):
            await topic.send(b"-1")
            async with anyio.create_task_group() as tasks:

                async def send() -> None:
                    for first in range(0, count, 50):
                        await topic.send_many([b"%d" % n for n in range(first, first + 50)])

                async def kill() -> None:
                    await to_thread.run_sync(server.stop, signal.SIGKILL)
                    server.start()

                tasks.start_soon(send)
                while len(seen) < count + 1:
                    message = await one.receive()
                    message.ack()
                    seen.add(int(message.body))
                    if len(seen) == 500:
                        tasks.start_soon(kill)
            await one.flush()
        assert seen == set(range(-1, count))

    run(body)
    assert rig.call("STREAM.INFO.orders")["state"]["messages"] == count + 1


@real
def test_a_killed_subscriber_keeps_nothing(rig: Any) -> None:
    """What a killed process had not acknowledged comes to another one."""
    rig.up()
    url = f"{rig.url}/orders?create=true&ack_wait=1s"

    async def body() -> None:
        async with booty.open_topic(f"{rig.url}/orders?create=true") as topic:
            await topic.send_many([b"%d" % number for number in range(20)])
        await to_thread.run_sync(receive_and_die, url, 10)
        seen = set()
        async with booty.open_subscription(url) as one:
            while len(seen) < 20:
                message = await one.receive()
                message.ack()
                seen.add(int(message.body))

    run(body)


def receive_and_die(url: str, count: int) -> None:
    """Receive in a process of its own, and kill it."""
    command = [sys.executable, "-c", RECEIVER, url, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(count):
            assert child.stdout.readline()
        child.kill()
