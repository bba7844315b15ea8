"""Who listens on which port, and whose it is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from booty.run import locks, owner, ports
from booty.run.claim import CHILD_FD, NAME

LISTENS = """
import socket, sys
made = socket.create_server(("127.0.0.1", 0))
print(made.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A server of our own."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_who_listens(listening: socket.socket) -> None:
    """A listener is named by number and program, also by process; others are not there."""
    number = listening.getsockname()[1]
    busy = ports.busy_ports()

    assert number in busy
    assert busy.pid(number) == os.getpid()
    assert busy[number].startswith(f"pid {os.getpid()} ")
    assert number not in busy.without({number})
    assert number not in busy.without(set(), set(ports.inodes_of(os.getpid())))
    assert busy.pid(1 << 20) is None


def test_connections_do_not_listen(listening: socket.socket) -> None:
    """The other end of a connection holds no port."""
    with socket.create_connection(listening.getsockname()) as link:
        assert link.getsockname()[1] not in ports.busy_ports()


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
def test_taken_by_the_kernels_word(listening: socket.socket, bind: str) -> None:
    """Who would bind there is refused; afterwards it is free at once."""
    number = listening.getsockname()[1]
    assert ports.taken(bind, number)
    with socket.create_connection(listening.getsockname()) as link:
        listening.accept()[0].close()
        assert link.recv(1) == b""
    listening.close()
    assert not ports.taken(bind, number)


def test_another_address_is_another_port(listening: socket.socket) -> None:
    """Who listens on one address is not in the way on another one; nor is one that is not here."""
    number = listening.getsockname()[1]

    assert not ports.taken("127.0.0.2", number)
    assert not ports.taken("192.0.2.1", number)


def test_datagrams() -> None:
    """A bound datagram socket is in use; TCP of the same number is not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        number = made.getsockname()[1]
        assert ports.taken("127.0.0.1", number, "udp")
        assert ports.holder(number, "udp")[0] == os.getpid()
        assert number not in ports.busy_ports()


def test_a_sixth_address() -> None:
    """An address of IPv6 is bound as such."""
    try:
        made = ports.bound("::1", 0)
    except OSError:
        pytest.skip("no IPv6 here")
    with made:
        made.listen()
        assert ports.taken("::1", made.getsockname()[1])


def test_whose_it_is(tmp_path: Path) -> None:
    """A program with the lock of its data belongs to a stack, and so does its child without it."""
    path = tmp_path / NAME
    path.write_text('{"stack": "x", "root": "/home/me/shop", "instance": "bus.0"}')
    fd = locks.take(str(path))
    assert fd is not None
    code = "import os, subprocess, sys; os.dup2(int(sys.argv[1]), 99); "
    code += "subprocess.run([sys.executable, '-c', sys.argv[2]], close_fds=True)"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(fd), LISTENS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(fd,),
    ) as program:
        assert program.stdout is not None
        number = int(program.stdout.readline())
        pid, phrase = ports.holder(number)
        assert pid is not None
        assert pid != program.pid
        assert owner.of(pid)["instance"] == "bus.0"
        assert phrase.endswith("(bus.0 of /home/me/shop)")
        program.communicate()
    os.close(fd)

    assert CHILD_FD == 99
    assert owner.of(1) == {}
    assert ports.command_of(pid) == "gone"


def test_the_kernels_range() -> None:
    """The range of outgoing connections is one."""
    low, high = ports.ephemeral()

    assert 1024 <= low < high <= 65535
