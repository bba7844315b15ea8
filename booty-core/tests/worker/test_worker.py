"""The worker: a hook call in, an answer out, whatever the hook does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import wire

PROVIDER = """
import anyio
from booty import Component, ConfigError, Health, hookimpl
BOOTY_API = 1
@hookimpl
def components():
    return [Component(id="mine", program="x")]
@hookimpl
async def health(instance):
    if instance.index == 1:
        await anyio.sleep_forever()
    if instance.index == 2:
        raise ValueError("secret is s3cret" [:0] + "broken")
    if instance.index == 3:
        raise ConfigError("cannot do it", reference="mine-fault", hint="try")
    return Health(alive=True, ready=True, good=instance.dirs.data == "/data")
"""


class Worker:
    """A worker process and our end of its socket."""

    def __init__(self, place: Path) -> None:
        (place / "mine_module.py").write_text(PROVIDER)
        info = place / "mine-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[booty]\nmine = mine_module\n")
        self.link, theirs = socket.socketpair()
        self.link.settimeout(20)
        fd = theirs.fileno()
        env = os.environ | {"BOOTY_WORKER_FD": str(fd), "PYTHONPATH": str(place)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "booty.worker"],
            pass_fds=[fd],
            env=env,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self.feed = wire.Feed()
        self.frames: list[dict[str, Any]] = []

    def send(self, number: int, index: int, deadline: float = 5.0) -> None:
        """Ask for the health of an instance."""
        instance = {
            "name": f"m.{index}", "service": "m", "stack": "s", "index": index,
            "component": "mine",
            "dirs": {name: f"/{name}" for name in ("data", "config", "logs", "run", "root")},
        }  # fmt: skip
        request = {"id": number, "verb": "health", "provider": "mine", "deadline": deadline}
        self.link.sendall(wire.pack({**request, "instance": instance}))

    def receive(self) -> dict[str, Any]:
        """Return the next answer."""
        while not self.frames:
            self.frames += self.feed.add(self.link.recv(65536))
        return self.frames.pop(0)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """A worker that is ended with the test."""
    one = Worker(tmp_path)
    yield one
    one.link.close()
    one.process.wait(20)


def test_answers(worker: Worker) -> None:
    """The provider's answer comes back as data; paths are true values."""
    worker.send(1, 0)

    assert worker.receive() == {
        "id": 1,
        "ok": {"alive": True, "ready": True, "good": True, "reason": None},
    }


def test_a_hanging_hook_keeps_nobody_waiting(worker: Worker) -> None:
    """A call past its deadline is answered as such; others are answered meanwhile."""
    worker.send(1, 1, deadline=0.3)
    worker.send(2, 0)
    answers = {frame["id"]: frame for frame in (worker.receive(), worker.receive())}

    assert answers[2]["ok"]["good"] is True
    assert answers[1]["error"]["reference"] == "hook-timeout"


def test_faults_are_answers(worker: Worker) -> None:
    """Our exceptions keep their reference, others become hook-failed."""
    worker.send(1, 2)
    strange = worker.receive()["error"]
    worker.send(2, 3)
    ours = worker.receive()["error"]

    assert strange["reference"] == "hook-failed"
    assert "broken" in strange["message"]
    assert ours["reference"] == "mine-fault"


def test_ends_with_its_supervisor(worker: Worker) -> None:
    """When the other end is closed, the worker ends."""
    worker.send(1, 0)
    worker.receive()
    worker.link.close()

    assert worker.process.wait(20) == 0
