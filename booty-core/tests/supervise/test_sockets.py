"""Sockets that are handed over: nobody is refused while a program is restarted."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from booty.run import process
from booty.run.loop import Loop
from booty.supervise.client import ControlError
from conftest_supervise import Stack, entry, probe

SERVER = """
import os, socket
assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ
names = os.environ["LISTEN_FDNAMES"].split(":")
assert len(names) == int(os.environ["LISTEN_FDS"])
front = socket.socket(fileno=3 + names.index("http"))
print("serving", flush=True)
while True:
    link, _ = front.accept()
    with link:
        link.recv(100)
        link.sendall(str(os.getpid()).encode())
"""
LISTENER = """
import os, socket
front = socket.socket(fileno=3)
assert front.type == socket.SOCK_DGRAM, front
print("serving", flush=True)
while True:
    print(f"got {int(front.recv(100))}", flush=True)
"""
DATAGRAMS = 300
PATIENCE = 30.0


@pytest.fixture
def number() -> int:
    """A port that is free just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def served(root: Path, number: int, **changes: Any) -> dict[str, Any]:
    """Return the entry of a server that takes its socket from its parent."""
    (root / "server.py").write_text(SERVER)
    http = {"name": "http", "bind": "127.0.0.1", "port": number, "protocol": "tcp"}
    fields: dict[str, Any] = {"sockets": [http], "ports": {"http": number}, **changes}
    fields["ready"] = probe(log="serving")
    made = entry("web.0", "", restart={"give_up": 1000, "next": 0.0}, **fields)
    return {**made, "argv": [sys.executable, "-I", "-S", str(root / "server.py")]}


def ask(number: int) -> int | None:
    """Connect and return the pid that answers; ``None`` if it was killed while it did.

    Raises:
        ConnectionRefusedError: nobody listened.
    """
    with socket.create_connection(("127.0.0.1", number), timeout=PATIENCE) as link:
        try:
            link.sendall(b"?")
            return int(link.recv(100) or b"0") or None
        except ConnectionError:
            return None


class Visitors:
    """Connects again and again from several threads.

    Attributes:
        pids: who answered.
        cut: visits that were cut off by the death of who answered.
        faults: visits that were refused.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.pids: set[int] = set()
        self.answered = 0
        self.cut = 0
        self.faults: list[OSError] = []

    def visit(self, times: int) -> None:
        """Be answered so many times."""
        while times and not self.faults:
            try:
                pid = ask(self.number)
            except OSError as error:
                self.faults.append(error)
                return
            if pid is None:
                self.cut += 1
            else:
                times -= 1
                self.answered += 1
                self.pids.add(pid)

    def begin(self, times: int) -> list[threading.Thread]:
        """Begin with four visitors."""
        found = [threading.Thread(target=self.visit, args=(times // 4,)) for _ in range(4)]
        for one in found:
            one.start()
        return found


def kill_supervisor(stack: Stack) -> None:
    """Let a successor take over."""
    watchers = stack.watchers()
    stack.kill("supervisor")
    stack.followed(watchers)


def kill_guardian(stack: Stack) -> None:
    """Let the supervisor become guardian."""
    watchers = stack.watchers()
    stack.kill("guardian")
    stack.followed(watchers)


def kill_program(stack: Stack) -> None:
    """Let it be restarted by its policy."""
    stack.until(lambda: stack.row("web.0")["state"] == "ready")
    os.kill(stack.row("web.0")["pid"], signal.SIGKILL)


def restart(stack: Stack) -> None:
    """Let it be restarted by wish."""
    stack.ask("restart", names=["web"])


def test_a_thousand_connections_over_restarts(stack: Stack, number: int) -> None:
    """Killed and restarted again and again, supervisor and guardian too: none is refused."""
    stack.up(served(stack.root, number))
    visitors = Visitors(number)
    faults = (kill_program, restart, kill_supervisor, kill_program, kill_guardian, restart)
    for fault in (*faults, kill_program, restart, kill_program, restart):
        visitors.visit(4)
        under_way = visitors.begin(96)
        fault(stack)
        for one in under_way:
            one.join(PATIENCE)

    assert visitors.faults == [], stack.told()
    assert visitors.answered == 1000
    assert len(visitors.pids) >= 8
    assert visitors.cut <= 4 * 10


def test_datagrams_over_a_restart(stack: Stack, number: int) -> None:
    """Those that come while nobody runs wait for the successor; none is lost, none comes twice."""
    web = served(stack.root, number)
    (stack.root / "server.py").write_text(LISTENER)
    stack.up({**web, "sockets": [{**web["sockets"][0], "protocol": "udp"}]})
    before = stack.row("web.0")["pid"]
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for turn in range(DATAGRAMS):
            if turn == DATAGRAMS // 3:
                stack.ask("restart", names=["web"])
            sender.sendto(b"%d" % turn, ("127.0.0.1", number))
    stack.ask("wait", names=["web"], **{"for": "ready"})
    log = stack.dir / "logs/web.0.log"
    stack.until(lambda: f"got {DATAGRAMS - 1}\n" in log.read_text())
    got = [int(line[4:]) for line in log.read_text().splitlines() if line.startswith("got ")]

    assert stack.row("web.0")["pid"] != before
    # one that the killed program had taken is its own to answer for
    assert len(got) >= DATAGRAMS - 1
    assert got == sorted(set(got))


def test_down_means_refused(stack: Stack, number: int) -> None:
    """One that was stopped by wish is refused, as any other; started again it answers."""
    stack.up(served(stack.root, number))
    assert ask(number)
    stack.ask("stop", names=["web"])
    with pytest.raises(ConnectionRefusedError):
        ask(number)
    stack.ask("start", names=["web"])
    stack.ask("wait", names=["web"], **{"for": "ready"})
    assert ask(number)


def test_given_up_means_refused(stack: Stack, number: int) -> None:
    """Nobody waits in the backlog of a program that is restarted no longer."""
    web = served(stack.root, number)
    web["restart"] = {**web["restart"], "give_up": 0}
    stack.up(web)
    os.kill(stack.row("web.0")["pid"], signal.SIGKILL)
    stack.until(lambda: stack.row("web.0")["state"] == "failed")
    with pytest.raises(ConnectionRefusedError):
        ask(number)


def test_another_port(stack: Stack, number: int) -> None:
    """A new number is another socket; the former one is let go of."""
    stack.up(served(stack.root, number))
    with socket.create_server(("127.0.0.1", 0)) as found:
        second = int(found.getsockname()[1])
    stack.up(served(stack.root, second))

    assert ask(second)
    with pytest.raises(ConnectionRefusedError):
        ask(number)


def test_somebody_else_has_it(stack: Stack, number: int) -> None:
    """A socket that cannot be bound is told, and nothing is started."""
    with socket.create_server(("127.0.0.1", number)), pytest.raises(ControlError) as told:
        stack.up(served(stack.root, number))

    assert (told.value.reference, told.value.status) == ("port-busy", 10)
    assert f"pid {os.getpid()}" in told.value.message


def test_an_address_that_is_not_here(stack: Stack, number: int) -> None:
    """One that this machine lacks is a fault of its own."""
    web = served(stack.root, number)
    web["sockets"][0]["bind"] = "192.0.2.1"
    with pytest.raises(ControlError) as told:
        stack.up(web)

    assert (told.value.reference, told.value.status) == ("socket-unbound", 10)


def test_many_sockets(tmp_path: Path) -> None:
    """However high our own numbers are, each arrives under the one it is meant for."""
    code = "import os; print([os.readlink(f'/proc/self/fd/{n}') for n in range(3, 83)])"
    files = [os.open(tmp_path / str(index), os.O_CREAT | os.O_RDWR) for index in range(80)]
    out = os.open(tmp_path / "out", os.O_CREAT | os.O_RDWR)
    loop = Loop()
    pid = process.spawn(
        [sys.executable, "-c", code],
        {"PATH": os.environ["PATH"]},
        output=out,
        fds={3 + index: fd for index, fd in enumerate(files)},
        own_pid=["LISTEN_PID"],
    )
    loop.run_until(process.Process(loop, pid).gone, PATIENCE)
    loop.close()
    said = os.pread(out, 100000, 0).decode()
    for fd in (out, *files):
        os.close(fd)

    assert said.strip() == str([str(tmp_path / str(index)) for index in range(80)])
