"""Programs that hold a stack: ``booty.Stack`` and ``booty.SyncStack``."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import booty
import pytest
from booty.errors import BootyError, ConfigError, HealthError, StartError
from booty.run import locks
from booty.stack import ending, place
from booty.supervise import state

SERVER = """
[services.web]
use = "program"
run = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "${ports.http}"]
ports = { http = 0 }
ready = { tcp = "127.0.0.1:${ports.http}" }
"""
SLEEPER = """
[services.side]
use = "program"
run = ["sleep", "1000"]
"""
HOST = """
import sys, booty
with booty.SyncStack.open(sys.argv[1]) as stack:
    stack.up()
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home of the tests, for stacks opened in this process."""
    monkeypatch.setenv("BOOTY_HOME", str(shared_home))


@pytest.fixture
def file(root: Path, home: None) -> Iterator[Path]:
    """A booty.toml whose stack is ended whatever happens."""
    found = root / "booty.toml"
    write(found, SERVER + SLEEPER)
    yield found
    ending.down(place.of_file(found))


def write(file: Path, services: str, stack: str = "") -> None:
    """Write a booty.toml."""
    file.write_text(f'[stack]\nformat = 1\nname = "t"\n{stack}{services}')


def running(file: Path) -> set[str]:
    """Return the instances that have a process."""
    rows = state.read(file.parent / ".booty")["instances"]
    return {row["instance"] for row in rows if row["pid"]}


async def stack_runs(file: Path) -> None:
    """Return when an instance has a process."""
    with anyio.fail_after(20.0):
        while not running(file):
            await anyio.to_thread.run_sync(threading.Event().wait, 0.01)


def test_up_url_and_the_end(file: Path) -> None:
    """A program brings a stack up, asks it, and leaves nothing behind."""

    async def main() -> None:
        async with booty.Stack.open(file) as stack:
            outcome = await stack.up()
            rows = {row["instance"]: row for row in await stack.ps()}

            assert {one["action"] for one in outcome.changes} == {"start"}
            assert rows["web.0"]["state"] == "ready"
            assert stack.url("web") == rows["web.0"]["urls"]["http"]
            assert (await stack.up()).nothing

    asyncio.run(main())

    assert running(file) == set()
    assert not locks.held(str(file.parent / ".booty/supervisor.lock"))


def test_parts(file: Path) -> None:
    """Parts of a stack are started, stopped, restarted and looked at."""

    async def main() -> None:
        async with booty.Stack.open(file) as stack:
            await stack.up("web")
            assert running(file) == {"web.0"}
            await stack.start("side")
            report = await stack.stop("web")
            assert [row["instance"] for row in report] == ["web.0"]
            await stack.restart("side")
            assert (await stack.health("side"))["side.0"]["alive"]
            assert running(file) == {"side.0"}

    asyncio.run(main())


def test_down_then_up_at_once(file: Path) -> None:
    """After ``down`` nobody is there who could refuse the next ``up``."""

    async def main() -> None:
        async with booty.Stack.open(file) as stack:
            for _ in range(3):
                await stack.up()
                await stack.down()

    asyncio.run(main())


def test_outliving(file: Path) -> None:
    """A stack that is to outlive the program goes on; a later program does not end it."""

    async def main(lifetime: str | None) -> None:
        async with booty.Stack.open(file, lifetime=lifetime) as stack:
            await stack.up()

    asyncio.run(main("outlive-me"))
    before = running(file)
    asyncio.run(main(None))

    assert running(file) == before == {"web.0", "side.0"}


def test_the_files_own_lifetime(file: Path) -> None:
    """A lifetime in the file holds where the program names none."""
    write(file, SLEEPER, 'lifetime = "outlive-me"\n')

    with booty.SyncStack.open(file) as stack:
        stack.up()

    assert running(file) == {"side.0"}


def test_a_failed_start_leaves_nothing(file: Path) -> None:
    """A start that fails is told with its last lines; nothing of it goes on."""
    write(file, SLEEPER + '[services.bad]\nuse = "program"\nrun = "echo alas; exit 3"\n'
          'ready = { log = "never" }\n')  # fmt: skip

    with booty.SyncStack.open(file) as stack:
        with pytest.raises(StartError) as caught:
            stack.up()
        assert caught.value.lines == ("alas",)
        assert running(file) == set()
        assert not locks.held(str(file.parent / ".booty/supervisor.lock"))


def test_too_late(file: Path) -> None:
    """What is not ready in time is taken back; what ran before goes on."""
    with booty.SyncStack.open(file) as stack:
        stack.up()
        write(file, SERVER + SLEEPER + '[services.slow]\nuse = "program"\nrun = "sleep 100"\n'
              'ready = { log = "never" }\n')  # fmt: skip
        with pytest.raises(HealthError):
            stack.up(timeout=0.2)
        assert running(file) == {"web.0", "side.0"}


def test_a_cancelled_up_ends_at_once(file: Path) -> None:
    """Whoever is cancelled while a stack starts does not wait for it."""
    write(file, '[services.slow]\nuse = "program"\nrun = "sleep 100"\n'
          'ready = { log = "never" }\n')  # fmt: skip

    async def main() -> None:
        async with booty.Stack.open(file) as stack:
            starting = asyncio.create_task(stack.up())
            await stack_runs(file)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting

    asyncio.run(asyncio.wait_for(main(), 20.0))

    assert running(file) == set()


def test_names_that_are_none(file: Path) -> None:
    """A service that is not there, or has no client or URL, is told by name."""
    with booty.SyncStack.open(file) as stack:
        with pytest.raises(ConfigError, match="was never up"):
            stack.url("web")
        with pytest.raises(ConfigError, match="no such service"):
            stack.up("wob")
        stack.up()
        with pytest.raises(ConfigError, match="no port"):
            stack.url("side")
        with pytest.raises(BootyError, match="has none"), stack.client("web"):
            pass


def test_the_holders_death_ends_the_stack(file: Path, stack_env: dict[str, str]) -> None:
    """A program that is killed takes its stack with it, in good order."""
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(file)],
        env=stack_env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        guardian = state.read(file.parent / ".booty")["stack"]["guardian"]["pid"]
        watched = os.pidfd_open(guardian)
        host.send_signal(signal.SIGKILL)
        host.wait()

    import select

    assert select.select([watched], [], [], 20.0)[0]
    os.close(watched)
    assert running(file) == set()


def test_both_faces_have_the_same_names() -> None:
    """What one face can do the other can, with the same arguments."""
    faces = [
        {
            name: [one for one in inspect.signature(value).parameters if one != "cls"]
            for name, value in inspect.getmembers(face, callable)
            if not name.startswith("_")
        }
        for face in (booty.Stack, booty.SyncStack)
    ]

    assert faces[0] == faces[1]
