"""One look of each kind: what passes, what does not, and what is said of it."""

from __future__ import annotations

import datetime as dt
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from booty.run import probe
from booty.run.loop import Loop
from booty.secrets import authority

PATIENCE = 30.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop."""
    made = Loop()
    yield made
    made.close()


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """Serve one answer to each who connects; ``None``: none, ever."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        links = []

        def serve() -> None:
            while True:
                try:
                    link, _ = made.accept()
                except OSError:
                    return
                links.append(link)
                with suppress(OSError):  # who only looked has gone
                    if answer is not None:
                        link.sendall(answer)
                        link.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{made.getsockname()[1]}"
        made.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)
        for link in links:
            link.close()


def look(loop: Loop, **kind: Any) -> str:
    """Take one look."""
    around = {"env": dict(os.environ), "cwd": "/"}
    return loop.run_until(loop.task(probe.look(loop, kind, around)), PATIENCE)


def test_tcp(loop: Loop) -> None:
    """A connection is enough; first bytes must be those that are asked for."""
    with server(b"INFO {}\r\n") as target:
        assert look(loop, tcp=target) == ""
        assert look(loop, tcp=target, first_bytes="INFO") == ""
        assert look(loop, tcp=target, first_bytes="+OK") == f"{target} does not greet with +OK"
    assert "refused" in look(loop, tcp=target).lower()
    assert "127.0.0.1:x" in look(loop, tcp="127.0.0.1:x")


def test_who_greets_in_pieces_or_hangs_up(loop: Loop) -> None:
    """Less than what is asked for is no greeting, however it ends."""
    with server(b"IN") as target:
        assert "does not greet" in look(loop, tcp=target, first_bytes="INFO")
    with server(b"") as target:
        assert "does not greet" in look(loop, tcp=target, first_bytes="INFO")


def test_one_that_hangs(loop: Loop) -> None:
    """Who takes the connection and says nothing is given up at the probe's own deadline."""
    with server(None) as target:
        assert look(loop, tcp=target, first_bytes="x", timeout=0.05) == f"{target}: no answer"
        assert look(loop, http=f"http://{target}/", timeout=0.05).endswith("no answer")


@pytest.mark.parametrize(
    ("answer", "more", "told"),
    [
        (OK, {}, ""),
        (OK, {"body": "rea.y"}, ""),
        (OK, {"body": "^other$"}, "lacks"),
        (OK, {"status": [204]}, "answers 200"),
        (b"HTTP/1.0 302 Found\r\n\r\n", {}, ""),
        (b"HTTP/1.1 503 Busy\r\n\r\n", {}, "answers 503"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", {"status": [503]}, ""),
        (b"SSH-2.0-x\r\n", {}, "does not speak HTTP"),
        (b"\0\xff\r\n", {}, "does not speak HTTP"),
        (b"", {}, "does not speak HTTP"),
    ],
)
def test_http(loop: Loop, answer: bytes, more: dict[str, Any], told: str) -> None:
    """Status and body decide; what is no HTTP is said."""
    with server(answer) as target:
        found = look(loop, http=f"http://{target}/healthz?a=1", **more)

    assert (told in found) if told else found == ""


@contextmanager
def secure_server(folder: Path, answer: bytes) -> Iterator[str]:
    """Serve one answer to each who speaks TLS, in two records."""
    now = dt.datetime.now(dt.UTC)
    made = authority.issue(authority.create(now), "main", ["127.0.0.1"], now)
    (folder / "both.pem").write_text(made["key"] + made["cert"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    link, _ = plain.accept()
                    link.settimeout(PATIENCE)
                    with suppress(OSError), context.wrap_socket(link, server_side=True) as secure:
                        secure.recv(1 << 16)
                        secure.sendall(answer[:9])
                        secure.sendall(answer[9:])

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{plain.getsockname()[1]}"
        plain.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


def test_https(loop: Loop, tmp_path: Path) -> None:
    """TLS is spoken where the URL says so, whoever signed; what is none of it is said."""
    with secure_server(tmp_path, OK) as target:
        assert look(loop, http=f"https://{target}/") == ""
        assert look(loop, http=f"https://{target}/", body="ready") == ""
        assert "answers 200" in look(loop, http=f"https://{target}/", status=[204])
        assert target in look(loop, http=f"http://{target}/")
    with server(OK) as target:
        assert target in look(loop, http=f"https://{target}/")
    with server(None) as target:
        assert look(loop, http=f"https://{target}/", timeout=0.05).endswith("no answer")


def test_exec(loop: Loop) -> None:
    """Code 0 passes; another one, a signal, a deadline and a missing program are told."""
    assert look(loop, exec=["true"]) == ""
    assert look(loop, exec=["sh", "-c", "exit 3"]) == '"sh" ends with 3'
    assert look(loop, exec=["sh", "-c", "kill -9 $$"]) == '"sh" ends with signal 9'
    assert look(loop, exec=["sleep", "1000"], timeout=0.05) == '"sleep" takes more than 0.05 s'
    assert "no-such-program" in look(loop, exec=["no-such-program"])


def test_file(loop: Loop, tmp_path: Path) -> None:
    """A path is there or not."""
    assert look(loop, file=str(tmp_path)) == ""
    assert look(loop, file=f"{tmp_path}/x") == f"no file {tmp_path}/x"


def until(loop: Loop, act: Callable[[], Any], around: dict[str, Any], **kind: Any) -> None:
    """Wait until a probe passes, after something was done."""
    waiting = loop.task(probe.until(loop, kind, around))
    loop.turn(0)
    assert not waiting.done
    act()
    loop.run_until(waiting, PATIENCE)


def test_a_log_line(loop: Loop, tmp_path: Path) -> None:
    """A line of this start passes, also one that comes in two pieces; one of before does not."""
    log = tmp_path / "x.log"
    log.write_bytes(b"ready\n")
    around = {"log": str(log), "offset": 6}

    def write() -> None:
        for part in (b"not yet\nrea", b"dy now\n"):
            with log.open("ab") as file:
                file.write(part)

    until(loop, write, around, log="^ready")


def test_a_file_that_is_made(loop: Loop, tmp_path: Path) -> None:
    """One that an earlier start left does not count until it is written again."""
    path = tmp_path / "ready"
    until(loop, path.touch, {}, file=str(path))
    before = probe.stamp(str(path))
    until(loop, lambda: path.write_text("x"), {"before": before}, file=str(path))


def test_a_port_that_comes_later(loop: Loop) -> None:
    """It is tried until it answers."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        number = made.getsockname()[1]
    late: list[socket.socket] = []
    until(
        loop,
        lambda: late.append(socket.create_server(("127.0.0.1", number))),
        {},
        tcp=f"127.0.0.1:{number}",
    )
    late[0].close()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ({"tcp": "127.0.0.1:1"}, "tcp 127.0.0.1:1"),
        ({"http": "http://x/"}, "http http://x/"),
        ({"file": "/x"}, "file /x"),
        ({"log": "up"}, 'a log line like "up"'),
        ({"exec": ["a", "b"]}, 'exec "a b"'),
        ({"notify": True}, "READY=1 on its notify socket"),
    ],
)
def test_what_is_waited_for(kind: dict[str, Any], told: str) -> None:
    """Each kind is told in words."""
    assert probe.describe(kind) == told


class Pauses(Loop):
    """A loop that does not sleep, and notes how long it was to; other time may stand still."""

    def __init__(self, *, still: bool) -> None:
        self.asked: list[float] = []
        self.passed = 0.0
        self.still = still
        super().__init__()

    def now(self) -> float:
        """Return the time, with what was to be slept."""
        return self.passed + (0.0 if self.still else super().now())

    async def sleep(self, seconds: float) -> None:
        """Note it."""
        self.asked.append(seconds)
        self.passed += seconds
        await super().sleep(0)


def waited(probe_: dict[str, Any], seconds: float, *, still: bool) -> list[float]:
    """Return the pauses between looks at what does not get ready, for so long a time."""
    loop = Pauses(still=still)
    task = loop.task(probe.until(loop, {"timeout": 0.05, **probe_}, {}))
    while loop.passed < seconds:
        loop.turn(1.0)
    task.cancel()
    loop.turn(0)
    loop.close()
    return loop.asked


def test_pauses_grow_slowly() -> None:
    """Ten in a row, each ready after 200 ms, are late by no more than 150 ms together."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    early, late = (
        waited({"tcp": f"127.0.0.1:{port}"}, seconds, still=True) for seconds in (0.2, 10.0)
    )

    assert early[0] == probe.FASTEST
    assert max(early) <= 0.016
    assert late[-1] == probe.SLOWEST
    assert len(late) < 120


def test_slow_looks_are_rarer() -> None:
    """A server that takes its time is left some, however early it is."""
    with server(None) as target:
        asked = waited({"http": f"http://{target}/"}, 1.0, still=False)

    assert min(asked) >= 0.9 * min(probe.SLOWEST, probe.SHARE * 0.05)
