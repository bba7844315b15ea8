"""Ports of several stacks of one user: leases, who holds them, new ones when they are taken."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVER = """
[services.web]
use = "program"
run = ["{python}", "-m", "http.server", "--bind", "127.0.0.1", "${{ports.http}}"]
ports = {{ http = {port} }}
ready = {{ tcp = "127.0.0.1:${{ports.http}}" }}
"""


@pytest.fixture
def home(tmp_path: Path, stack_env: dict[str, str]) -> Path:
    """A home that no other test's stacks are in."""
    stack_env["BOOTY_HOME"] = str(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def number() -> int:
    """A port that is free just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1]) - 1000  # room for a few blocks above it


@pytest.fixture
def stranger() -> Iterator[Any]:
    """Somebody who listens on a port of ours."""
    made: list[socket.socket] = []

    def listen(port: int) -> None:
        made.append(socket.create_server(("127.0.0.1", port)))

    yield listen
    for one in made:
        one.close()


def write(root: Path, port: int | str) -> Path:
    """Write the booty.toml of a stack that listens on a port."""
    root.mkdir(exist_ok=True)
    (root / "booty.toml").write_text(SERVER.format(python=sys.executable, port=port))
    return root


def given(booty: Any, root: Path) -> int:
    """Return the port that a stack has."""
    (row,) = json.loads(booty("ps", "--json", cwd=root).stdout)["services"]
    return int(row["ports"]["http"])


def test_first_ups_in_one_instant(
    booty: Any, root: Path, home: Path, number: int, stack_env: dict[str, str]
) -> None:
    """Stacks that wish for the same port and start together get a block of their own each."""
    roots = [write(root / f"s{index}", number) for index in range(3)]
    argv = [sys.executable, "-m", "booty", "up", "-d"]
    begun = [
        subprocess.Popen(argv, cwd=one, env=stack_env, stderr=subprocess.PIPE) for one in roots
    ]
    told = [one.communicate(timeout=110)[1].decode() for one in begun]

    assert [one.returncode for one in begun] == [0, 0, 0], told
    ports = [given(booty, one) for one in roots]
    assert len(set(ports)) == 3
    assert {(port - number) % 100 for port in ports} == {0}


def test_a_port_that_was_taken_meanwhile(
    booty: Any, root: Path, home: Path, number: int, stranger: Any
) -> None:
    """It is named who holds it, nothing is started; asked for, the stack gets another block."""
    write(root, number)
    booty("up", "-d")
    first = given(booty, root)
    booty("down")
    stranger(first)
    refused = booty("up", "-d", status=10).stderr
    moved = booty("up", "-d", "--ports", "reallocate")
    second = given(booty, root)

    assert refused.startswith(f'port-busy: cannot use port "{first}" for web.0/http')
    assert "pid " in refused
    assert "python" in refused
    assert "booty up --ports reallocate" in refused
    assert second != first
    assert (second - number) % 100 == 0
    assert "ready" in moved.stdout
    assert booty("up", "-d").stderr.startswith("nothing to do")
    assert json.loads((root / ".booty/state/ports.json").read_text())


def test_all_that_were_taken_meanwhile(
    booty: Any, root: Path, home: Path, number: int, stranger: Any
) -> None:
    """Each is told with who holds it, by whatever command it is started; no hint leads astray."""
    assert home
    write(root, number)
    exact = f"{{ port = {number + 7}, exact = true }}"
    text = SERVER.format(python=sys.executable, port=exact).replace("web", "too")
    with (root / "booty.toml").open("a") as file:
        file.write(text)
    booty("up", "-d")
    rows = json.loads(booty("ps", "--json").stdout)["services"]
    first = next(row["ports"]["http"] for row in rows if row["name"] == "web")
    booty("stop", "web", "too")
    stranger(first)
    stranger(number + 7)
    up = booty("up", "-d", status=10)
    start = booty("start", "web", "too", status=10)
    data = json.loads(booty("start", "web", "too", "--json", status=10).stdout)["error"]

    for told in (up.stderr, start.stderr):
        assert told.count("port-busy: cannot use port ") == 2
        assert f'port "{first}" for web.0/http: it is held by pid ' in told
        assert f'port "{number + 7}" for too.0/http: it is held by pid ' in told
        assert "an exact one is changed in booty.toml" in told
    assert [one["subject"] for one in data["faults"]] == ["too.0", "web.0"]


def test_reallocation_of_what_runs(booty: Any, root: Path, home: Path, number: int) -> None:
    """What runs keeps its ports; one whose port is free again gets it back once it is stopped."""
    write(root, number)
    booty("up", "-d")
    first = given(booty, root)
    booty("up", "-d", "--ports", "reallocate")

    assert given(booty, root) == first


def test_the_holder_is_another_stack(booty: Any, root: Path, home: Path, number: int) -> None:
    """A stack of another home took the port: it is named by instance and folder."""
    other = write(root / "other", f"{{ port = {number}, exact = true }}")
    mine = write(root / "mine", f"{{ port = {number}, exact = true }}")
    booty("up", "-d", cwd=other)
    told = booty("up", "-d", cwd=mine, status=10, BOOTY_HOME=f"{home}-2").stderr

    assert f"(web.0 of {other})" in told
    assert not (mine / ".booty/logs/web.0.log").exists()


def test_leases_end(booty: Any, root: Path, home: Path, number: int) -> None:
    """A stopped stack keeps its ports from others; a destroyed one and a folder gone do not."""
    first, second, third = (write(root / name, number) for name in ("a", "b", "c"))
    booty("up", "-d", cwd=first)
    kept = given(booty, first)
    booty("down", cwd=first)
    booty("up", "-d", cwd=second)
    beside = given(booty, second)
    booty("destroy", "--yes", "a", cwd=first)
    booty("down", cwd=second)
    shutil.rmtree(second)
    booty("up", "-d", cwd=third)

    assert beside > kept
    assert given(booty, third) == kept


def test_ports_of_all_stacks(booty: Any, root: Path, home: Path, number: int) -> None:
    """One line a port, with who holds it now; --stack narrows it to one stack."""
    first, second = write(root / "a", number), write(root / "b", number)
    for one in (first, second):
        booty("up", "-d", cwd=one)
    pid = json.loads(booty("ps", "--json", cwd=first).stdout)["services"][0]["pid"]
    booty("down", cwd=second)
    rows = json.loads(booty("ports", "--json").stdout)["ports"]
    one = json.loads(booty("--stack", "b", "ports", "--json").stdout)["ports"]
    table = booty("ports").stdout.splitlines()

    assert [row["stack"] for row in rows] == ["a", "b"]
    assert (rows[0]["pid"], rows[0]["protocol"]) == (pid, "tcp")
    assert rows[0]["by"] == {"root": str(first), "instance": "web.0"}
    assert (rows[1]["pid"], rows[1]["held"]) == (None, None)
    assert [row["stack"] for row in one] == ["b"]
    assert f"pid {pid}" in table[1]
    assert f"(web.0 of {first})" in table[1]


TAKES = """
[services.web]
use = "program"
run = ["{python}", "server.py"]
ports = {{ http = {{ port = {port}, socket = true }} }}
ready = {{ notify = true }}
limits = {{ nofile = 100 }}
"""
TAKER = """
import os, resource, socket
assert os.environ["LISTEN_FDNAMES"] == "http" and os.environ["LISTEN_PID"] == str(os.getpid())
front = socket.socket(fileno=3)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    link, _ = front.accept()
    link.sendall(str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]).encode())
    link.close()
"""


def test_a_socket_by_the_file(booty: Any, root: Path, home: Path, number: int) -> None:
    """``socket = true``: the program takes it; a plan under way sees no stranger on the port."""
    (root / "server.py").write_text(TAKER)
    (root / "booty.toml").write_text(TAKES.format(python=sys.executable, port=number))
    booty("up", "-d")
    port = given(booty, root)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        said = link.recv(100)
    booty("up", "-d", "--replan")
    (row,) = json.loads(booty("ports", "--json").stdout)["ports"]

    assert said == b"100"
    assert given(booty, root) == port
    assert row["by"]["root"] == str(root)
