"""Cases B26, B29 and B30: who may ask, what is printed into a pipe, a disk that is full."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_cases import Case, fake, shell
from disks import fill, mount, unmount

HELLO = {"hello": {"protocols": [1], "client": "test"}}
CONNECT = """
import os, socket, sys
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
link = socket.socket(socket.AF_UNIX)
link.settimeout(30)
try:
    link.connect(sys.argv[1])
    link.sendall(bytes.fromhex(sys.argv[2]))
    print("answered" if link.recv(99) else "closed")
except PermissionError:
    print("no way in")
except ConnectionError:
    print("closed")
"""
LOOKS = (
    *("ps", "ls", "describe a", "health", "ports", "plan", "plan --diff", "config", "schema"),
    *("graph", "providers", "env", "lock", "fetch", "secrets list", "secrets backends", "analyze"),
    *("version", "doctor", "wait a", "logs", "events"),
)
"""Commands that look at a stack that runs."""
LINES = ("logs", "events")
"""Commands whose ``--json`` is an object a line."""
CHANGES = ("up -d", "restart a", "stop a", "start a", "reload a", "down", "destroy --yes t")


def frame(body: bytes) -> bytes:
    """Return a body with its length before it."""
    return struct.pack(">I", len(body)) + body


def packed(message: dict[str, Any]) -> bytes:
    """Return a message as it goes over the socket."""
    return frame(json.dumps(message).encode())


class Raw:
    """A client that says what it likes."""

    def __init__(self, place: str) -> None:
        self.link = socket.socket(socket.AF_UNIX)
        self.link.settimeout(30)
        self.link.connect(place)

    def ask(self, data: bytes) -> dict[str, Any] | None:
        """Send bytes; returns the answer, nothing if the other side hung up."""
        try:
            self.link.sendall(data)
            head = self._take(4)
            found: dict[str, Any] = json.loads(self._take(*struct.unpack(">I", head)))
        except (ConnectionError, struct.error):
            return None
        return found

    def _take(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (more := self.link.recv(size - len(data))):
            data += more
        return data


@pytest.fixture
def place(case: Case) -> str:
    """The control socket of a stack that runs."""
    case.write(fake("a"))
    case.run("up", "-d")
    runtime = json.loads((case.state / "state/stack.json").read_text())["runtime"]
    return f"{runtime}/control.sock"


@pytest.mark.parametrize(
    "data",
    [
        packed({"id": 1, "do": "stop", "names": ["a"], "color": "red"}),
        packed({"id": 1, "do": "explode"}),
        packed({"do": "stop", "names": "x" * (2 << 20)}),
        struct.pack(">I", 64 << 20) + bytes(1 << 20),
        frame(b'{"id": 1, "do": "stop", "names": ["a"]} {"id": 2}'),
        frame(b'{"id": 1, "do": "stop", "names": ["\xff"]}'),
        frame(b"[" * 100_000),
        frame(b"7"),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["field", "verb", "name", "64 MiB", "trailing", "UTF-8", "deep", "number", "HTTP"],
)
def test_b26_raw_requests_are_refused(case: Case, place: str, data: bytes) -> None:
    """Whatever is sent: an error or a hang-up, and the service is what it was."""
    before = case.ps()
    raw = Raw(place)
    assert "hello" in (raw.ask(packed(HELLO)) or {})
    answer = raw.ask(data)
    raw.link.close()

    assert answer is None or {"reference", "message", "status"} <= set(answer["error"])
    assert case.ps() == before
    assert case.run("health").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_b26_another_user_is_refused(case: Case, place: str) -> None:
    """The folder does not let him in; where it does, the supervisor hangs up without a word."""

    def told() -> str:
        return subprocess.run(
            [sys.executable, "-ISc", CONNECT, place, packed(HELLO).hex()],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    before = case.ps()
    assert told() == "no way in\n"
    folders = [Path(place).parent, Path(place).parent.parent]
    for file in (Path(place), *folders):
        file.chmod(0o777)
    try:
        assert told() == "closed\n"
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert case.ps() == before


def test_b29_no_escapes_into_a_pipe(case: Case) -> None:
    """Each command, with and without ``--json``: no escape codes, and the data can be parsed."""
    case.write(fake("a") + shell("job", "echo worked", 'kind = "task"'))
    case.run(*CHANGES[0].split())
    for command in LOOKS:
        both = [case.start(*command.split(), *more) for more in ([], ["--json"])]
        plain, data = (one.communicate() for one in both)
        check(command, plain, data, [one.returncode for one in both])
    for command in CHANGES[1:]:
        done = case.run(*command.split(), "--json")
        assert json.loads(done.stdout), command
        assert "\x1b" not in done.stdout + done.stderr, command
        if command != CHANGES[-1]:
            again = case.run(*command.split())
            assert "\x1b" not in again.stdout + again.stderr, command


def check(command: str, plain: Any, data: Any, statuses: list[int]) -> None:
    """Show that two outputs of a command hold no escape, and that one of them is data."""
    assert statuses == [0, 0], (command, plain, data)
    assert "\x1b" not in "".join(plain + data), command
    assert command == "schema" or not plain[0].startswith("{"), command
    documents = data[0].splitlines() if command in LINES else [data[0]]
    assert [type(json.loads(text)) for text in documents] == [dict] * len(documents), command
    assert documents, command


@pytest.fixture
def small(case: Case) -> Iterator[Case]:
    """The folder of the stack is a disk of 256 KiB."""
    fakes = (case.root / "fake.py").read_bytes()
    mount(case.root, "size=256k")
    (case.root / "fake.py").write_bytes(fakes)
    yield case
    case.end()
    unmount(case.root)


def test_b30_full_disk(small: Case) -> None:
    """It is said, the state is not damaged, and with room again all goes on."""
    small.write(fake("a"))
    small.run("up", "-d")
    small.run("down")
    files = [file for file in (small.state / "state").iterdir() if file.is_file()]
    before = [file.read_bytes() for file in files]
    fill(small.root)
    fault = json.loads(small.run("up", "-d", "--json", status=None).stdout)["error"]

    assert "No space left on device" in fault["message"]
    assert fault["hint"]
    assert small.left() == []
    assert [file.read_bytes() for file in files] == before
    (small.root / "fill").unlink()
    small.run("up", "-d")
    assert small.ps()["a.0"]["state"] == "ready"
