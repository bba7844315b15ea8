"""``file://`` topics between processes: woken by events, killed at any moment, removed, full."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import booty
import pytest
from anyio import to_thread
from booty.clients.pubsub.opening import open_subscription, open_topic

SECONDS = 100.0
SENDER = """
import sys
import anyio, booty

async def main(url, first, count):
    async with booty.open_topic(url) as topic:
        for number in range(first, first + count):
            await topic.send(str(number).encode(), id=str(number))
            print(number, flush=True)

anyio.run(main, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""
RECEIVER = """
import sys
import anyio, booty

async def main(url, count):
    async with booty.open_subscription(url) as subscription:
        for _ in range(count):
            message = await subscription.receive()
            print(message.body.decode(), flush=True)
        await anyio.Event().wait()

anyio.run(main, sys.argv[1], int(sys.argv[2]))
"""
WORKER = """
import sys
import anyio, booty

async def main(url):
    async with booty.open_subscription(url) as subscription:
        for _ in range(20):  # some are left for the others
            message = await subscription.receive()
            message.ack()
            await subscription.flush()
            print(message.body.decode(), flush=True)
        await anyio.Event().wait()

anyio.run(main, sys.argv[1])
"""
BETWEEN = """
import os, signal, sys
from booty.clients.pubsub.bell import pulled
from booty.clients.pubsub.message import Outgoing
from booty.clients.pubsub.store import Store, _transaction
from booty.clients.pubsub.table import put

store = Store(sys.argv[1], create=False, sync="normal")
with store._locked():
    opened = store._connected()
    with pulled(store.bells):
        with _transaction(opened) as connection:
            put(connection, [Outgoing(body=b"x")], 1.0)
        os.kill(os.getpid(), signal.SIGKILL)
"""
FULL = """
import sys
import anyio, booty

async def main(url):
    stored = 0
    try:
        async with booty.open_topic(url) as topic:
            while True:
                await topic.send(bytes(20_000))
                stored += 1
    except booty.ClientError as error:
        print(error.code, type(error.native).__name__)
    async with booty.open_subscription(url) as subscription:
        for _ in range(stored):
            (await subscription.receive()).ack()
            await subscription.flush()
    async with booty.open_topic(url) as topic:
        await topic.send(b"room again")
    print(stored > 10)

anyio.run(main, sys.argv[1])
"""
DENIED = """
import sys
import booty

try:
    with booty.SyncTopic.open(sys.argv[1]) as topic:
        topic.send(b"x")
except booty.ClientError as error:
    print(error.code)
try:
    with booty.SyncSubscription.open(sys.argv[1]) as subscription:
        subscription.receive()
except booty.ClientError as error:
    print(error.code)
"""
Child = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def child() -> Iterator[Child]:
    """Start small programs that end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def run(body: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine with a deadline."""

    async def inner() -> Any:
        with anyio.fail_after(SECONDS):
            return await body()

    return anyio.run(inner)


def url(folder: Path, **parameters: str) -> str:
    """Return the URL of a topic that may be made."""
    more = "".join(f"&{name}={value}" for name, value in parameters.items())
    return f"file://{folder}/orders?create=true{more}"


async def filled(topic: booty.Topic) -> int:
    """Send until there is no room; return how many were stored."""
    for stored in range(100):
        try:
            await topic.send(bytes(100_000))
        except booty.ResourceExhaustedError:
            return stored
    raise AssertionError


def test_a_message_wakes_another_process(tmp_path: Path, child: Child) -> None:
    """Whoever waits is woken by a sender elsewhere, long before the look after an hour."""

    async def body() -> bytes:
        async with open_subscription(url(tmp_path, ack_wait="1h")) as one:
            with anyio.move_on_after(0.05):
                await one.receive()
            child(SENDER, url(tmp_path), 7, 1)
            message = await one.receive()
            message.ack()
            return message.body

    assert run(body) == b"7"


def test_a_sender_killed_before_it_rings_has_rung(tmp_path: Path, child: Child) -> None:
    """Killed between its commit and its ring, a sender wakes the others all the same."""

    async def body() -> bytes:
        async with open_subscription(url(tmp_path, ack_wait="1h")) as one:
            with anyio.move_on_after(0.05):
                await one.receive()
            killed = child(BETWEEN, tmp_path / "orders")
            message = await one.receive()
            message.ack()
            assert await to_thread.run_sync(killed.wait) == -signal.SIGKILL
            return message.body

    assert run(body) == b"x"


def test_what_others_give_back_wakes_too(tmp_path: Path) -> None:
    """Two subscriptions of one name: what one gives back, or leaves, comes to the other at once."""

    async def body() -> list[bytes]:
        where = url(tmp_path, ack_wait="1h")
        async with open_topic(where.replace("&ack_wait=1h", "")) as topic:
            one, two = open_subscription(where), open_subscription(where)
            await topic.send(b"first")
            message = await one.receive()
            with anyio.move_on_after(0.05):
                await two.receive()
            message.nack()
            await one.close()
            again = await two.receive()
            again.ack()
            await two.close()
            return [message.body, again.body]

    assert run(body) == [b"first", b"first"]


def test_senders_killed_at_any_moment_lose_nothing(tmp_path: Path, child: Child) -> None:
    """What a sender was told to be stored is delivered, once, however it ended."""
    dice = random.Random(7)

    async def body() -> None:
        promised: list[int] = []
        for first in range(0, 2500, 500):
            sender = child(SENDER, url(tmp_path, sync="normal"), first, 500)
            assert sender.stdout is not None
            said = ""
            for _ in range(dice.randrange(1, 60)):
                said += await to_thread.run_sync(sender.stdout.readline, abandon_on_cancel=True)
            sender.kill()
            said += await to_thread.run_sync(sender.stdout.read)
            promised += [int(line) for line in said.split("\n")[:-1]]
        seen: list[int] = []
        async with open_subscription(url(tmp_path)) as one:
            with anyio.move_on_after(SECONDS):
                while not set(promised) <= set(seen):
                    message = await one.receive()
                    message.ack()
                    seen.append(int(message.body))
        assert set(promised) <= set(seen)
        assert len(seen) == len(set(seen))

    run(body)


def test_a_killed_receiver_keeps_nothing(tmp_path: Path, child: Child) -> None:
    """What a killed process had not acknowledged comes to the others when its time is over."""

    async def body() -> None:
        where = url(tmp_path, ack_wait="2s")
        async with open_topic(url(tmp_path)) as topic:
            await topic.send_many([b"%d" % number for number in range(20)])
        receiver = child(RECEIVER, where, 10)
        assert receiver.stdout is not None
        for _ in range(10):
            await to_thread.run_sync(receiver.stdout.readline)
        receiver.kill()
        seen = set()
        async with open_subscription(where) as one:
            while len(seen) < 20:
                message = await one.receive()
                message.ack()
                seen.add(int(message.body))
        assert seen == set(range(20))

    run(body)


def test_workers_killed_at_any_moment(tmp_path: Path, child: Child) -> None:
    """Workers share a topic and are killed: all is done, what was confirmed never comes again."""
    dice, count = random.Random(11), 400

    async def body() -> None:
        where = url(tmp_path, ack_wait="2s", sync="normal")
        senders = [child(SENDER, url(tmp_path, sync="normal"), first, 200) for first in (0, 200)]
        done: list[int] = []
        for _ in range(2):
            workers = [child(WORKER, f"{where}&max_outstanding=10") for _ in range(2)]
            for worker in workers:
                assert worker.stdout is not None
                said = ""
                for _ in range(dice.randrange(1, 15)):
                    said += await to_thread.run_sync(worker.stdout.readline, abandon_on_cancel=True)
                worker.kill()
                said += await to_thread.run_sync(worker.stdout.read)
                done += [int(line) for line in said.split("\n")[:-1]]
        for sender in senders:
            assert await to_thread.run_sync(sender.wait) == 0
        async with open_subscription(where) as one:
            while await left(tmp_path):
                with anyio.move_on_after(0.2):
                    message = await one.receive()
                    message.ack()
                    await one.flush()
                    done.append(int(message.body))
        assert len(done) == len(set(done))
        # each of the killed may have confirmed one that it could not print any more
        assert len(done) >= count - 4

    run(body)


async def left(folder: Path) -> int:
    """Tell how many messages a topic has on disk."""
    with sqlite3.connect(folder / "orders" / "topic.db") as connection:
        found: tuple[int] = connection.execute("SELECT count(*) FROM message").fetchone()
    connection.close()
    return found[0]


def test_what_all_have_done_is_removed(tmp_path: Path) -> None:
    """A message leaves the disk when each subscription is done with it, not before."""

    async def done(name: str) -> None:
        async with open_subscription(url(tmp_path, durable=name)) as one:
            for _ in range(5):
                (await one.receive()).ack()

    async def body() -> None:
        for name in ("one", "two"):
            async with open_subscription(url(tmp_path, durable=name)) as sub:
                with anyio.move_on_after(0.05):
                    await sub.receive()
        async with open_topic(url(tmp_path)) as topic:
            await topic.send_many([b"x"] * 5)
        await done("one")
        assert await left(tmp_path) == 5
        await done("two")
        assert await left(tmp_path) == 0

    run(body)


def test_a_folder_that_is_removed(tmp_path: Path) -> None:
    """What is sent after somebody removed the folder is not written into the void."""

    async def body() -> None:
        async with (
            open_topic(f"file://{tmp_path}/orders") as strict,
            open_topic(url(tmp_path)) as maker,
            open_subscription(url(tmp_path, ack_wait="200ms")) as one,
        ):
            await maker.send(b"before")
            await strict.send(b"before")
            for _ in range(2):
                (await one.receive()).ack()
            await one.flush()
            shutil.rmtree(tmp_path / "orders")
            with pytest.raises(booty.NotFoundError):
                await strict.send(b"lost")
            await maker.send(b"after")
            message = await one.receive()
            message.ack()
            assert message.body == b"after"

    run(body)


def mounted(folder: Path, options: str, program: str, *arguments: str) -> str:
    """Run a program where a folder is a disk of its own; return what it says."""
    script = f'mount -t tmpfs -o {options} none {folder} && exec "$0" "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no disk can be made here: unshare and tmpfs are needed")
    said = subprocess.run(
        [*command, sys.executable, "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert said.stderr == ""
    return said.stdout


def test_a_full_disk(tmp_path: Path) -> None:
    """A disk that takes no more is told by its code; what was stored is there, and makes room."""
    said = mounted(tmp_path, "size=8m", FULL, url(tmp_path))
    assert said.split() == ["resource-exhausted", "OperationalError", "True"]


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    """Where nothing may be written, that is what is told."""
    assert mounted(tmp_path, "ro", DENIED, url(tmp_path)).split() == ["permission-denied"] * 2


def test_a_limit_of_its_own(tmp_path: Path) -> None:
    """With max_bytes a topic takes no more than that until something is acknowledged."""

    async def body() -> None:
        async with open_topic(url(tmp_path, max_bytes="1MiB")) as topic:
            stored = await filled(topic)
            async with open_subscription(url(tmp_path)) as one:
                for _ in range(stored):
                    (await one.receive()).ack()
            await topic.send(b"room again")

    run(body)


@pytest.mark.parametrize(
    ("place", "code"),
    [("file", "not-found"), ("garbage", "internal"), ("newer", "failed-precondition")],
)
def test_what_is_no_topic(tmp_path: Path, place: str, code: str) -> None:
    """A file in place of the folder, a file that is no database, a database of tomorrow."""
    folder = tmp_path / "orders"
    if place == "file":
        folder.write_text("x")
    else:
        folder.mkdir()
        (folder / "lock").touch()
        (folder / "topic.db").write_bytes(b"no database" * 1000 if place == "garbage" else b"")
    if place == "newer":
        connection = sqlite3.connect(folder / "topic.db")
        connection.execute("PRAGMA user_version = 99")
        connection.close()

    async def body() -> str:
        with pytest.raises(booty.ClientError) as caught:
            async with open_topic(f"file://{folder}") as topic:
                await topic.send(b"x")
        return caught.value.code

    assert run(body) == code


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    """Folder, database and its companions are private."""

    async def body() -> None:
        async with open_topic(url(tmp_path)) as topic, open_subscription(url(tmp_path)) as one:
            await topic.send(b"x")
            (await one.receive()).ack()
            found = [tmp_path / "orders", *(tmp_path / "orders").rglob("*")]
            assert len(found) > 5
            assert [str(path) for path in found if path.stat().st_mode & 0o077] == []

    run(body)


def test_relative_and_impossible_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``file://./NAME`` is relative to where the program runs; another machine is refused."""
    monkeypatch.chdir(tmp_path)

    async def body() -> None:
        async with open_topic("file://./here/orders?create=true") as topic:
            await topic.send(b"x")
        assert (tmp_path / "here" / "orders" / "topic.db").exists()
        for wrong in ("file://elsewhere/orders", "file://"):
            with pytest.raises(booty.InvalidArgumentError):
                open_topic(wrong)

    run(body)


def test_a_boot_ends_every_wait(tmp_path: Path) -> None:
    """After a boot the times of before mean nothing: what was out comes again at once."""

    async def body() -> None:
        where = url(tmp_path, ack_wait="1h")
        async with open_topic(url(tmp_path)) as topic:
            await topic.send(b"x")
        one = open_subscription(where)
        await one.receive()
        await one.close()
        connection = sqlite3.connect(tmp_path / "orders" / "topic.db")
        connection.execute("UPDATE boot SET id = 'another'")
        connection.commit()
        connection.close()
        async with open_subscription(where) as again:
            message = await again.receive()
            message.ack()
            assert message.count == 2

    run(body)
