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

CANARY = "c4nary-0f-a-5ecret"
PROVIDER = """
import os
import threading
import anyio
from booty import BootyErrors, Component, ConfigError, Health, Launch, StartError, hookimpl
BOOTY_API = 1
DECLARED = []
@hookimpl
def components():
    DECLARED.append(1)
    return [Component(id="mine", program="x")]
@hookimpl
async def reload(instance):
    return "yes"
@hookimpl
async def stop(instance):
    raise TimeoutError("the server's own")
@hookimpl
async def join(instance):
    raise BootyErrors([StartError(text, reference=text, hint="try") for text in ("a", "b")])
@hookimpl
async def drain(instance):
    given = instance.secrets["password"]
    print("stdout is no channel", flush=True)
    raise RuntimeError(f"no {given} at nats://me:{given}@host")
@hookimpl
async def leave(instance):
    os.write(1, b"in")
    threading.Event().wait()
@hookimpl
async def before_restart(instance):
    os.write(1, b"in")
    with anyio.CancelScope(shield=True):
        await anyio.sleep_forever()
@hookimpl
async def start(instance, launch):
    first = Launch(argv=("true",))
    return [first, Launch(argv=(*launch.argv, instance.secrets["password"] * instance.index))]
@hookimpl
async def bootstrap(service):
    assert [one.dirs.data for one in service.instances] == ["/data", "/data"]
@hookimpl
async def event(event):
    await anyio.lowlevel.checkpoint()
    raise ValueError(event.kind)
@hookimpl
async def health(instance):
    if instance.index == 1:
        await anyio.sleep_forever()
    if instance.index == 2:
        raise ValueError("secret is s3cret" [:0] + "broken")
    if instance.index == 3:
        raise ConfigError("cannot do it", reference="mine-fault", hint="try")
    if instance.index == 4:
        return Health(alive=True, reason=f"{instance.secrets['password']} {len(DECLARED)}")
    return Health(alive=True, ready=True, good=instance.dirs.data == "/data")
"""


def instance(index: int) -> dict[str, Any]:
    """Return an instance as the supervisor sends it."""
    return {
        "name": f"m.{index}",
        "service": "m",
        "stack": "s",
        "index": index,
        "component": "mine",
        "dirs": {name: f"/{name}" for name in ("data", "config", "logs", "run", "root")},
        "secrets": {"password": CANARY},
    }


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
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        self.feed = wire.Feed()
        self.frames: list[dict[str, Any]] = []

    def send(self, number: int, index: int, deadline: float = 5.0) -> None:
        """Ask for the health of an instance."""
        self.ask(number, "health", index, deadline=deadline)

    def ask(self, number: int, verb: str, index: int = 0, **more: Any) -> None:
        """Ask a verb about an instance."""
        request = {"id": number, "verb": verb, "provider": "mine", "deadline": 5.0}
        self.link.sendall(wire.pack({**request, "instance": instance(index), **more}))

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
    one.process.communicate(timeout=20)


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


def test_a_timeout_of_the_hook_is_no_deadline(worker: Worker) -> None:
    """A TimeoutError that a hook raises in time is a fault of the hook."""
    worker.ask(1, "stop")

    assert worker.receive()["error"]["reference"] == "hook-failed"


def test_several_faults(worker: Worker) -> None:
    """The first is the answer, the others come with it."""
    worker.ask(1, "join")
    error = worker.receive()["error"]

    assert (error["status"], error["reference"]) == (7, "a")
    assert [other["reference"] for other in error["others"]] == ["b"]


def test_an_answer_of_another_kind(worker: Worker) -> None:
    """What the supervisor cannot read is the provider's fault and named so."""
    worker.ask(1, "reload")
    error = worker.receive()["error"]

    assert (error["status"], error["reference"]) == (4, "hook-answer")
    assert '"str"' in error["message"]


def test_credentials_stay_inside(worker: Worker) -> None:
    """Neither an answer nor the log shows what a hook was given; stdout is not the answer."""
    worker.ask(1, "drain")
    error = worker.receive()["error"]
    worker.send(2, 4)
    health = worker.receive()["ok"]
    worker.link.close()
    out, log = worker.process.communicate(timeout=20)

    assert error["message"].endswith("RuntimeError: no *** at nats://***@host")
    assert health["reason"].startswith("*** ")
    assert out == b"stdout is no channel\n"
    assert b"in drain" in log
    assert CANARY.encode() not in log


def test_a_provider_is_loaded_once(worker: Worker) -> None:
    """However many calls: the distributions are scanned and the module asked a single time."""
    for number in range(3):
        worker.send(number, 4)
    reasons = {worker.receive()["ok"]["reason"] for _ in range(3)}

    assert reasons == {"*** 1"}


def test_launches_carry_true_values(worker: Worker) -> None:
    """``start`` gets what configure said and answers with launches as they are to be spawned."""
    worker.ask(1, "start", 1, launch={"argv": ["x"]})
    first, last = worker.receive()["ok"]["value"]

    assert (first["argv"], last["argv"]) == (["true"], ["x", CANARY])


def test_large_answers_come_whole(worker: Worker) -> None:
    """Answers larger than the socket's buffer are not mixed, however many there are at a time."""
    for number in range(6):
        worker.ask(number, "start", 40_000, launch={"argv": [str(number)]})
    answers = {(frame := worker.receive())["id"]: frame["ok"]["value"][1] for _ in range(6)}

    assert {number: one["argv"][0] for number, one in answers.items()} == {
        number: str(number) for number in range(6)
    }


def test_an_answer_that_is_too_large(worker: Worker) -> None:
    """It is a fault of this call; the worker goes on."""
    worker.ask(1, "start", 300_000, launch={"argv": ["x"]})
    error = worker.receive()["error"]
    worker.send(2, 0)

    assert error["reference"] == "hook-failed"
    assert worker.receive()["ok"]["good"] is True


def test_whole_services_and_events(worker: Worker) -> None:
    """Hooks about a service see its instances; an event's coroutine is run to its end."""
    service = {"name": "m", "instances": [instance(0), instance(1)]}
    worker.link.sendall(
        wire.pack({"id": 1, "verb": "bootstrap", "provider": "mine", "service": service})
    )
    made = worker.receive()
    event = {"at": "2026-01-01T00:00:00Z", "kind": "exit"}
    worker.link.sendall(wire.pack({"id": 2, "verb": "event", "provider": "mine", "event": event}))

    assert made == {"id": 1, "ok": {}}
    assert "ValueError: exit" in worker.receive()["error"]["message"]


@pytest.mark.parametrize(
    ("more", "reference"),
    [
        ({"provider": "nobody"}, "provider-missing"),
        ({"instance": {**instance(0), "component": "mine/gone"}}, "component-gone"),
    ],
)
def test_what_is_not_there(worker: Worker, more: dict[str, Any], reference: str) -> None:
    """A provider or component that went away under a running stack is an answer."""
    worker.ask(1, "health", **more)

    assert worker.receive()["error"]["reference"] == reference


@pytest.mark.parametrize("verb", ["leave", "before_restart"])
def test_no_hook_outlives_the_supervisor(worker: Worker, verb: str) -> None:
    """Not one that blocks the loop, and not one that refuses to be cancelled."""
    worker.ask(1, verb)
    assert worker.process.stdout is not None
    assert worker.process.stdout.read(2) == b"in"
    worker.link.close()

    assert worker.process.wait(20) == 0


def test_ends_with_its_supervisor(worker: Worker) -> None:
    """When the other end is closed, the worker ends."""
    worker.send(1, 0)
    worker.receive()
    worker.link.close()

    assert worker.process.wait(20) == 0
