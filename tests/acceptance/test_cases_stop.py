"""Cases B9 to B15, B21 and B28: how a stack ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from booty import Platform
from conftest_cases import BOOTY, CHAIN, ORDER, Case, fake, gone, shell, until, url
from sessions import PATIENCE

LEVELS = [f"{name} {word}" for name in "cba" for word in ("SIGTERM", "bye")]
"""What three fakes that need each other note when they are stopped by levels."""
HERE = Platform.current()


def put(case: Case, instance: str, word: str) -> None:
    """Have a fake keep a word in its data."""
    import socket

    with socket.create_connection(url(case, instance)) as link:
        link.sendall(f"PUT {word}\n".encode())
        assert link.recv(99).startswith(b"HTTP/1.1 200")


def kept(case: Case, instance: str) -> list[str]:
    """Return the words that a fake keeps."""
    return (case.state / "data" / instance / "kept").read_text().split()


def orderly(case: Case, said: str) -> None:
    """Show that the chain ended by levels, each end was told and recorded, and nobody is left."""
    assert case.notes()[6:] == LEVELS
    for name in "abc":
        assert f"{name}.0 ended well" in said
        assert case.states(f"{name}.0")[-2:] == ["stopping", "stopped"]
    assert case.left() == []


def test_b09_one_ctrl_c_stops_in_levels(case: Case) -> None:
    """Who needs others ends before them; each end is told; status 0 and no orphan."""
    case.write(CHAIN)
    with case.follow("up") as up:
        up.until("following")
        up.type(b"\x03")
        assert up.end() == 0

    orderly(case, up.said)


def test_b10_who_ignores_term_is_killed_at_his_grace(case: Case) -> None:
    """He is named and the status is 9; the others end well, he is killed at his own grace."""
    case.write(fake("a") + fake("b", ORDER.format("a"), 'grace = "1s"', deaf=1))
    with case.follow("up") as up:
        up.until("following")
        up.type(b"\x03")
        assert up.end() == 9
    (report,) = (event["detail"]["report"] for event in case.events("stopped"))
    took = {row["instance"]: row["seconds"] for row in report}

    assert "b.0 had to be killed" in up.said
    assert "a.0 ended well" in up.said
    assert 1.0 <= took["b.0"] < 8.0  # the grace of others is 10 s; how exact it is, bench shows
    assert case.left() == []


def test_b11_second_ctrl_c_kills_at_once(case: Case) -> None:
    """Nobody waits for the rest of a grace: status 130, and all are gone."""
    case.write(fake("a", 'grace = "100s"', deaf=1) + fake("b", ORDER.format("a")))
    with case.follow("up") as up:
        up.until("following")
        up.type(b"\x03")
        up.until("once more to kill")
        up.type(b"\x03")
        assert up.end() == 130

    assert "a.0 had to be killed" in up.said
    assert case.left() == []


def test_b12_grandchildren_end_too(case: Case) -> None:
    """A child in a session of its own goes with its service, whoever asks for the end."""
    case.write(fake("a", child=1) + shell("b", "setsid sleep 4000 & exec sleep 1000"))
    case.run("up", "-d")
    until(lambda: sum("sleep 3000" in line or "sleep 4000" in line for line in case.left()) == 2)
    case.run("stop", "a")
    assert not [line for line in case.left() if "3000" in line]
    case.run("down")

    assert case.left() == []


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT"])
def test_b13_signals_in_the_background_of_a_script(case: Case, name: str) -> None:
    """A script without job control starts it with ``&``: each stop signal is an orderly end."""
    case.write(CHAIN)
    script = f'"{BOOTY}" up > said 2>&1 & echo $! > pid; wait $!; echo "status $?"'
    with subprocess.Popen(
        ["/bin/sh", "-c", script], cwd=case.root, env=case.env, stdout=subprocess.PIPE, text=True
    ) as shell_:
        said = case.root / "said"
        until(lambda: said.exists() and "following" in said.read_text())
        os.kill(int((case.root / "pid").read_text()), signal.Signals[f"SIG{name}"])
        assert shell_.communicate(timeout=PATIENCE)[0] == "status 0\n"

    orderly(case, said.read_text())


def test_b14_killed_follower_leaves_nobody(case: Case) -> None:
    """KILL of ``up``: soon no child is left, and the next ``up`` works with the data of before."""
    case.write(CHAIN)
    with case.follow("up") as up:
        up.until("following")
        put(case, "a.0", "word")
        up.signal(signal.SIGKILL)
        gone(case)
    case.run("up", "-d")

    assert {row["state"] for row in case.ps().values()} == {"ready"}
    assert kept(case, "a.0") == ["word"]


class Slow(BaseHTTPRequestHandler):
    """Sends half of a file, and then nothing until it is let go."""

    protocol_version = "HTTP/1.1"
    began = threading.Event()
    go = threading.Event()

    def do_HEAD(self) -> None:
        """Answer that it is here."""
        self._head()

    def do_GET(self) -> None:
        """Send the list of digests whole, of a program half."""
        if self.path.endswith("SHA256SUMS"):
            name = f"nats-server-v2.15.0-{HERE.os}-{HERE.arch}.tar.gz"
            data = f"{'0' * 64}  {name}\n".encode()
            self._head(len(data))
            self.wfile.write(data)
            return
        self._head()
        self.wfile.write(bytes(500_000))
        self.wfile.flush()
        self.began.set()
        self.go.wait(PATIENCE)

    def _head(self, size: int = 1_000_000) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.send_header("ETag", '"one"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def publisher() -> Iterator[str]:
    """A publisher who does not get on; returns his URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    Slow.began.clear()
    Slow.go.clear()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Slow.go.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_b15_ctrl_c_while_it_downloads(case: Case, publisher: str, name: str) -> None:
    """The end comes at once with status 130; what came of the file is kept, nothing runs."""
    bus = '[services.bus]\nuse = "nats"\n'
    case.write(fake("a") + bus, stack=f'mirrors = {{ "*" = "{publisher}" }}\n')
    home = Path(case.env["BOOTY_HOME"])
    with case.follow("up") as up:
        assert Slow.began.wait(PATIENCE), up.said
        until(lambda: list(home.rglob("*.part")), lambda: up.said)
        up.signal(signal.Signals[f"SIG{name}"])
        assert up.end() == 130

    assert "Traceback" not in up.said
    assert list(home.rglob("*.part"))
    assert case.notes() == []
    assert case.left() == []


@pytest.mark.parametrize("name", ["INT", "TERM"])
@pytest.mark.parametrize("detached", [[], ["-d"]])
def test_b15_stopped_as_it_is_handed_over(case: Case, name: str, detached: list[str]) -> None:
    """Status 130 and nobody left, also between the command that plans and the one that waits."""
    case.write(fake("a", slow=100))
    case.run("up", "-d", "--timeout", "0.1", status=8)
    for _ in range(3):
        before = len(case.events("state"))
        with case.follow("up", *detached) as up:
            until(lambda before=before: "starting" in case.states("a.0")[before:])
            up.signal(signal.Signals[f"SIG{name}"])
            assert up.end() == 130, up.said
        assert "Traceback" not in up.said
        gone(case)


def test_b15_ctrl_c_while_the_second_starts(case: Case) -> None:
    """Status 130; what had been started is asked to end, and not killed."""
    case.write(fake("a") + fake("b", ORDER.format("a"), slow=100))
    with case.follow("up") as up:
        until(lambda: "b begins" in case.notes())
        up.type(b"\x03")
        assert up.end() == 130

    assert sorted(case.notes()[3:]) == ["a SIGTERM", "a bye", "b SIGTERM", "b bye"]
    assert case.left() == []


def test_b21_rm_removes_and_nothing_else_does(case: Case) -> None:
    """With --rm no data is left; without it is there, and the last words say so."""
    case.write(fake("a"))
    for words, stays in ((["up", "--rm"], False), (["up"], True)):
        with case.follow(*words) as up:
            up.until("following")
            put(case, "a.0", "word")
            up.type(b"\x03")
            assert up.end() == 0
        assert (case.state / "data/a.0/kept").exists() is stays
        assert ("data is kept" in up.said) is stays
        assert case.left() == []


def test_b28_down_with_a_deadline_goes_on_stopping(case: Case) -> None:
    """The first gives up with status 9 and says what hangs; the second waits until it is done."""
    case.write(fake("a", 'grace = "60s"', hang=3))
    case.run("up", "-d")
    first = case.run("down", "--timeout", "0.5", status=9).stderr
    assert "a.0" in first
    assert case.ps()["a.0"]["state"] == "stopping"
    second = case.run("down")

    assert "a.0" in second.stdout
    assert case.notes()[2:] == ["a SIGTERM", "a bye"]
    assert case.left() == []


CRASHES = "sleep 0.3; exit 3"
RELOAD = ["sh", "-c", "echo r reloads >> notes; exec sleep 1000"]
PHASES = {
    "start": (fake("b", slow=100), "b.0", "starting"),
    "waiting for another": (fake("c", ORDER.format("b")) + fake("b", slow=100), "b.0", "starting"),
    "back-off": (
        shell("b", CRASHES, 'backoff = { next = "100s", max = "100s" }'), "b.0", "backoff",
    ),
    "hung probe": (
        shell("b", "sleep 1000", 'ready = { exec = ["sleep", "1000"] }'), "b.0", "starting",
    ),
    "reload": (
        shell("b", "sleep 1000", f"reload = {{ exec = {json.dumps(RELOAD)} }}"), "b.0", "ready",
    ),
}  # fmt: skip
"""What is under way beside one that hears no signal: services, an instance, its state."""


@pytest.mark.parametrize("phase", PHASES)
def test_b10_a_second_signal_is_obeyed_in_every_phase(case: Case, phase: str) -> None:
    """Whatever is under way: what ignores the first is killed by the second, long before grace."""
    services, name, state = PHASES[phase]
    case.write(fake("a", 'grace = "100s"', deaf=1) + services)
    with case.follow("up") as up:
        until(lambda: case.notes() and state in case.states(name), lambda: up.said)
        asked = case.start("reload", "b") if phase == "reload" else None
        if asked:
            until(lambda: "r reloads" in case.notes())
        up.signal(signal.SIGINT)
        up.until("once more to kill")
        up.signal(signal.SIGINT)
        assert up.end() == 130, up.said

    if asked:
        asked.communicate(timeout=PATIENCE)  # whoever asked is answered as well
    assert "a.0 had to be killed" in up.said
    gone(case)
