"""A real NATS under steady publishing, while watchers, worker and server are killed at random.

``BOOTY_CHAOS_SEED`` and ``BOOTY_CHAOS_STEPS`` repeat a run, or make a long one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from nats_shop import ORDERS, PATIENCE, Shop, until

SEED = int(os.environ.get("BOOTY_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
STEPS = int(os.environ.get("BOOTY_CHAOS_STEPS") or 6)
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240 + 30 * STEPS)]
PUBLISHER = """
import asyncio, os
import nats
from nats.errors import Error

async def unheard(error):
    "Say nothing: nobody reads what is said until the end, and a full pipe would stop us."

async def main():
    forever = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.05, "error_cb": unheard}
    connection = await nats.connect(os.environ["NATS_URL"].split(","), **forever)
    number = 0
    with open("acknowledged", "a") as told:
        while not os.path.exists("enough"):
            name = {"Nats-Msg-Id": str(number)}
            try:
                await connection.jetstream().publish(
                    "orders.new", b"%d" % number, timeout=2, headers=name
                )
            except (Error, OSError, asyncio.TimeoutError):
                continue  # nobody said that it is stored: it is sent again
            print(number, file=told, flush=True)
            number += 1
    await connection.close()

asyncio.run(main())
"""
READER = """
import asyncio, os
import nats

async def main():
    connection = await nats.connect(os.environ["NATS_URL"].split(","))
    stream = connection.jetstream()
    left = (await stream.stream_info("orders")).state.messages
    reader = await stream.pull_subscribe("orders.>", stream="orders")
    while left:
        for message in await reader.fetch(min(left, 500), timeout=10):
            print(message.data.decode())
            await message.ack()
            left -= 1
    await connection.close()

asyncio.run(main())
"""


def strike(pids: list[int], number: int = signal.SIGKILL) -> None:
    """Signal processes, those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Storm:
    """A stack with a server that takes orders all the time, and somebody who kills."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.chance = random.Random(SEED)
        self.history: list[str] = []

    def watchers(self) -> dict[str, list[int]]:
        """Return guardian, supervisor and workers, as far as they are there."""
        saved = json.loads((self.shop.root / ".booty/state/stack.json").read_text())
        known = {role: [saved[role]["pid"]] for role in ("guardian", "supervisor")}
        return {**known, "worker": [pid for pid, line in self.ours() if "booty.worker" in line]}

    def ours(self) -> Iterator[tuple[int, str]]:
        """Yield every process that belongs to the stack: its number and its command line."""
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                whole = line + (place / "environ").read_bytes().decode(errors="replace")
                if str(self.shop.root) in whole:
                    yield int(place.name), line

    def servers(self) -> list[int]:
        """Return the servers that run."""
        return [pid for pid, line in self.ours() if "/nats-server " in line]

    def kill(self, *roles: str) -> None:
        """KILL some of the watchers in one instant."""
        pids = self.watchers()
        strike([pid for role in roles for pid in pids[role]])

    def kill_server(self) -> None:
        """KILL the server."""
        strike(self.servers())

    def hang_up(self) -> None:
        """Tell everybody that a terminal has gone."""
        pids = self.watchers()
        strike(pids["guardian"] + pids["supervisor"], signal.SIGHUP)

    def change(self, *words: str) -> None:
        """Change something, and KILL a watcher in the middle of it."""
        command = self.shop.begin(*words)
        with suppress(subprocess.TimeoutExpired):
            command.wait(self.chance.uniform(0.0, 0.5))
        self.kill(self.chance.choice(("supervisor", "guardian", "worker")))
        said = command.communicate(timeout=PATIENCE)
        assert "Traceback" not in "".join(said), (SEED, self.history, said)

    def step(self) -> bool:
        """Do one of these things; returns whether the server must have gone on through it."""
        blows: dict[str, tuple[bool, Callable[[], None]]] = {
            "supervisor": (True, lambda: self.kill("supervisor")),
            "guardian": (True, lambda: self.kill("guardian")),
            "both": (True, lambda: self.kill("guardian", "supervisor")),
            "worker": (True, lambda: self.kill("worker", "supervisor")),
            "hang up": (True, self.hang_up),
            "up": (True, lambda: self.change("up", "-d")),
            "server": (False, self.kill_server),
            "restart": (False, lambda: self.change("restart", "bus")),
        }
        what = self.chance.choice([*blows])
        self.history.append(what)
        stays, blow = blows[what]
        blow()
        return stays

    def go_on(self, publisher: subprocess.Popen[str], told: Path) -> None:
        """Wait until one more order was acknowledged; a publisher that gave up is heard."""
        size = told.stat().st_size if told.exists() else 0
        with suppress(AssertionError):
            until(lambda: told.exists() and told.stat().st_size > size)
            return
        publisher.send_signal(signal.SIGINT)
        pytest.fail(f"no order in {PATIENCE} s: {SEED} {self.history} {publisher.communicate()}")


def test_no_acknowledged_write_is_lost(shop: Shop) -> None:
    """After each blow one server is there, the same one if it was not meant; every order is too."""
    storm = Storm(shop)
    shop.write("", ORDERS)
    shop.run("up", "-d")
    for name, text in (("publisher.py", PUBLISHER), ("reader.py", READER)):
        (shop.root / name).write_text(text)
    told = shop.root / "acknowledged"
    publisher = shop.begin("run", "--", sys.executable, "publisher.py")
    try:
        for _ in range(STEPS):
            storm.go_on(publisher, told)
            before = storm.servers()
            stays = storm.step()
            shop.run("up", "-d")
            story = (SEED, storm.history)

            assert shop.ps()["bus.0"]["state"] == "ready", story
            assert storm.servers() == [shop.ps()["bus.0"]["pid"]], story
            assert storm.servers() == before or not stays, story
    finally:
        (shop.root / "enough").touch()
        publisher.communicate(timeout=PATIENCE)
    acknowledged = set(told.read_text().split())
    stored = shop.run("run", "--", sys.executable, "reader.py").split()

    assert acknowledged <= set(stored), (SEED, storm.history)
    assert publisher.returncode == 0
    assert len(acknowledged) > STEPS
