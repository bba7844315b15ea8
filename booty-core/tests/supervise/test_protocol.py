"""The control protocol: an older client is served, a mad one harms nobody."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import control, wire
from booty.supervise.client import ControlError, connect
from conftest_supervise import PATIENCE, Stack, entry

TRANSCRIPT = json.loads(Path(__file__).with_name("protocol-1.json").read_text())
"""What a client of number 1 asks, and what it reads of each answer."""
SEED = 7
MAD = 200


class Raw:
    """A client that says what it likes."""

    def __init__(self, stack: Stack) -> None:
        place = json.loads((stack.dir / "state/stack.json").read_text())["runtime"]
        self.link = socket.socket(socket.AF_UNIX)
        self.link.settimeout(PATIENCE)
        self.link.connect(f"{place}/control.sock")
        self._feed = wire.Feed()
        self._frames: list[dict[str, Any]] = []

    def say(self, message: dict[str, Any]) -> None:
        """Send one frame."""
        self.link.sendall(wire.pack(message))

    def heard(self) -> dict[str, Any]:
        """Return the next frame that is no event."""
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if "event" not in frame:
                    return frame
            data = self.link.recv(65536)
            assert data, "hung up"
            self._frames += self._feed.add(data)

    def greeted(self, *numbers: int) -> dict[str, Any]:
        """Say hello; return the answer."""
        self.say({"hello": {"protocols": list(numbers), "client": "test"}})
        return self.heard()


@pytest.fixture
def running(stack: Stack) -> Stack:
    """A stack of one program that runs."""
    stack.up(entry("a.0", "exec sleep 1000"))
    return stack


def test_a_client_of_number_one(running: Stack) -> None:
    """It asks as it always did, and finds in each answer what it reads."""
    raw = Raw(running)
    hello = raw.greeted(1)["hello"]
    raw.say({"id": 0, "do": "converge", "plan": running.sheet(entry("a.0", "exec sleep 1000")),
             "names": None, "without": [], "keep": False, "spans": []})  # fmt: skip
    assert isinstance(raw.heard()["ok"]["changes"], list)

    assert {"protocol", "stack", "pid", "version"} <= set(hello)
    for number, line in enumerate(TRANSCRIPT, 1):
        raw.say({"id": number, **line["ask"]})
        answer = raw.heard()
        assert answer["id"] == number
        found = answer["ok"]
        assert {key: type(found[key]) for key in line["answer"]} == {
            key: type(value) for key, value in line["answer"].items()
        }, line
    raw.link.close()


def test_a_newer_client_speaks_the_older_number(running: Stack) -> None:
    """The best number that both have is taken; one that has none is told what to do."""
    taken = Raw(running)
    refused = Raw(running)

    assert taken.greeted(99, 1)["hello"]["protocol"] == 1
    fault = refused.greeted(99)["error"]
    assert (fault["reference"], fault["status"]) == ("protocol", 10)
    assert fault["hint"]
    assert refused.link.recv(10) == b""
    taken.link.close()
    refused.link.close()


def test_a_newer_supervisor_speaks_the_older_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that speaks two numbers settles on that of the client."""
    monkeypatch.setattr(wire, "PROTOCOLS", (2, 1))
    told: list[dict[str, Any]] = []

    class Client:
        greeted = False
        say = staticmethod(told.append)

    class Sup:
        stack = {"stack": {"id": "x", "name": "t"}}  # noqa: RUF012 - never written to

    served = control.Control.__new__(control.Control)
    served.sup = Sup()  # type: ignore[assignment]
    for numbers in ([1], [2, 1]):
        served.take(Client(), {"hello": {"protocols": numbers}})  # type: ignore[arg-type]

    assert [one["hello"]["protocol"] for one in told] == [1, 2]


def test_a_verb_that_an_older_supervisor_lacks(running: Stack) -> None:
    """The client is told how to get a supervisor that has it."""
    with connect(running.dir) as link, pytest.raises(ControlError) as fault:
        link.request("levitate", timeout=PATIENCE)

    assert (fault.value.reference, fault.value.data["hint"]) == (
        "unknown-verb",
        "booty self-restart",
    )


def test_a_client_that_reads_nothing(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may stay; whoever asks beside it is answered, and half a message waits for its rest."""
    lazy, half = Raw(running), Raw(running)
    lazy.greeted(1)
    lazy.say({"id": 1, "do": "subscribe"})
    lazy.link.setblocking(False)
    with contextlib.suppress(BlockingIOError):  # it is not listened to until it listens
        for number in range(100_000):
            lazy.say({"id": number, "do": "ping"})
    half.greeted(1)
    packed = wire.pack({"id": 5, "do": "ping"})
    half.link.sendall(packed[:-3])
    with connect(running.dir) as link:
        assert link.request("restart", names=["a"], timeout=PATIENCE)["changes"]
        link.request("wait", names=None, timeout=PATIENCE, **{"for": "ready"})
    half.link.sendall(packed[-3:])

    assert half.heard() == {"id": 5, "ok": {}}
    lazy.link.close()
    half.link.close()


def garbage(chance: random.Random) -> bytes:
    """Return bytes that are no request, or nearly one."""
    verbs = ("wait", "converge", "kill", "stop", "health", "lifetime", "scale", "reload")
    values = (None, 7, -1, "", "a", ["a", 7], {}, [[]], True, 1e300, "\0", {"a": None})
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return struct.pack(">I", chance.randrange(2**32)) + chance.randbytes(20)
    fields = {
        name: chance.choice(values)
        for name in ("names", "for", "limit", "signal", "plan", "keep", "spans", "without")
        if chance.random() < 0.5
    }
    message = {"id": chance.choice(values), "do": chance.choice(verbs), **fields}
    data = wire.pack(message)
    return data if kind == 2 else data[: chance.randrange(len(data))]


def test_mad_clients(running: Stack) -> None:
    """Garbage, seeded: the same supervisor goes on, and the program with it."""
    chance, before = random.Random(SEED), running.watchers()
    pid = running.row("a.0")["pid"]
    for _ in range(MAD):
        raw = Raw(running)
        raw.greeted(1)
        raw.link.sendall(garbage(chance))
        raw.link.close()
    running.ask("ping")

    assert running.watchers() == before
    # some of it asks in due form, for a stop of all
    assert running.row("a.0")["pid"] in {pid, None}


def test_hellos_that_are_none(running: Stack) -> None:
    """Whatever comes first."""
    for first in ({"do": "ping"}, {"hello": 7}, {"hello": {"protocols": 7}}, {"hello": None}):
        raw = Raw(running)
        raw.say(first)
        assert raw.heard()["error"]["reference"] == "protocol", first
        raw.link.close()

    running.ask("ping")


def test_a_lifetime_that_is_none(running: Stack) -> None:
    """A word that guardian and the next up would not know is not written down."""
    with connect(running.dir) as link, pytest.raises(ControlError) as fault:
        link.request("lifetime", lifetime="for-ever", timeout=PATIENCE)

    assert fault.value.reference == "bad-request"
    assert json.loads((running.dir / "state/stack.json").read_text())["lifetime"] == "outlive-me"


def test_a_flood_of_descriptors(running: Stack) -> None:
    """In the middle of a frame that never ends: the supervisor keeps none of them."""
    folder = Path(f"/proc/{running.watchers()['supervisor']}/fd")
    before, raw = len([*folder.iterdir()]), Raw(running)
    raw.greeted(1)
    raw.link.sendall(struct.pack(">I", wire.LIMIT))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(1000):
            socket.send_fds(raw.link, [b"x"], [0, 0, 0, 0])
    running.ask("ping")

    running.until(lambda: len([*folder.iterdir()]) <= before)
    raw.link.close()
