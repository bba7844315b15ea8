"""Cases B1 to B8: plans, ports, several stacks, what a dead one left."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from conftest_cases import CHAIN, Case, fake, gone, shell

BUSY = "ports = {{ http = {} }}\n"
TWICE = "ports = { http = 0 }\n"


def at_port(name: str, number: int) -> str:
    """Return a fake that would have a certain port."""
    return fake(name).replace(TWICE, BUSY.format(number))


def free() -> int:
    """Return a number that nobody has now; below those that the kernel hands out."""
    for number in range(21000 + os.getpid() % 1000 * 10, 32000):
        with socket.socket() as link:
            if link.connect_ex(("127.0.0.1", number)):
                return number
    raise AssertionError("no port")


def test_b01_plan_twice_is_the_same(case: Case) -> None:
    """Two plans are the same bytes, in the order of needs, and hold no secret."""
    case.write(CHAIN + 'secrets = { KEY = "secret://key" }\n')
    with case.follow("secrets", "set", "key", terminal=True) as asking:
        asking.until("(?i)value|key")
        asking.type(b"hush-7f3a\n")
        assert asking.end() == 0
    first, second = (case.run("plan", "--json").stdout for _ in range(2))

    assert first == second
    assert json.loads(first)["levels"] == [["a.0"], ["b.0"], ["c.0"]]
    assert "hush" not in first
    assert '"KEY": "@{booty:secret:user/key#1}"' in first
    assert re.findall(r"start (\w)\.0", case.run("plan").stdout) == ["a", "b", "c"]


def test_b02_each_starts_after_what_it_needs_is_ready(case: Case) -> None:
    """One begins when the one before listens; the addresses are told; the end is status 0."""
    case.write(CHAIN.replace('"a", "${ports.http}"', '"a", "${ports.http}", "slow=0.2"'))
    with case.follow("up") as up:
        up.until("following")
        ports = [row["ports"]["http"] for row in case.ps().values()]
        up.type(b"\x03")
        assert up.end() == 0

    assert case.notes()[:6] == [
        f"{name} {word}" for name in "abc" for word in ("begins", "listens")
    ]
    for port in ports:
        assert f"http://127.0.0.1:{port}" in up.said


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (shell("a", "true", 'needs = ["b"]') + shell("b", "true", 'needs = ["a"]'), "a -> b -> a"),
        (shell("a", "true", 'needs = ["wob"]') + shell("web", "true"), '"wob"'),
        ('[services.bus]\nuse = "nats"\nreplicas = 99\n', "99"),
    ],
)
def test_b03_impossible_plans_are_refused(case: Case, text: str, named: str) -> None:
    """A cycle, a service that is not there, more than may be: status 3, and it is named."""
    case.write(text)
    said = case.run("plan", status=3).stderr

    assert named in said
    assert "hint: " in said


def test_b04_busy_port_of_a_new_stack_moves_the_block(case: Case) -> None:
    """All ports of the stack move together, and the summary shows where to."""
    number = free()
    with socket.create_server(("127.0.0.1", number)):
        case.write(at_port("a", number) + at_port("b", number + 1))
        done = case.run("up", "-d")
    ports = {name: row["ports"]["http"] for name, row in case.ps().items()}
    offset = ports["a.0"] - number

    assert offset > 0
    assert offset % 100 == 0
    assert ports["b.0"] == number + 1 + offset
    assert f"http://127.0.0.1:{ports['a.0']}" in done.stdout


def test_b05_busy_port_of_a_known_stack_is_an_error(case: Case) -> None:
    """Port and holder are named, and nothing is started."""
    case.write(fake("a") + fake("b"))
    case.run("up", "-d")
    number = case.ps()["b.0"]["ports"]["http"]
    case.run("down")
    notes = case.notes()
    with socket.create_server(("127.0.0.1", number)):
        said = case.run("up", "-d", status=10).stderr

    assert f'"{number}"' in said
    assert str(os.getpid()) in said
    assert case.notes() == notes
    assert case.left() == []
    case.run("up", "-d")
    assert case.ps()["b.0"]["ports"]["http"] == number


@pytest.fixture
def other(case: Case, tmp_path: Path) -> Any:
    """A second stack of the same user."""
    made = Case(tmp_path / "other", Path(case.env["BOOTY_HOME"]))
    yield made
    made.end()


def test_b06_two_stacks_at_once(case: Case, other: Case, tmp_path: Path) -> None:
    """Both run; without a name both are listed in the error, with a name the right one is shown."""
    for stack, name in ((case, "x"), (other, "y")):
        stack.write(fake(f"of-{name}"), name=name)
        stack.run("up", "-d")
    said = case.run("ps", status=3, cwd=tmp_path).stderr

    assert "--stack x" in said
    assert "--stack y" in said
    for name in "xy":
        shown = case.run("ps", "--stack", name, cwd=tmp_path).stdout
        assert re.findall(r"of-(\w)", shown) == [name]
    assert {row["name"] for row in json.loads(case.run("ls", "--json").stdout)["stacks"]} == {
        "x",
        "y",
    }
    case.run("down", "--stack", "y", cwd=tmp_path)
    assert set(case.pids()) == {"of-x.0"}


def test_b07_a_second_up_converges(case: Case) -> None:
    """Up of a running stack has nothing to do, and touches no process."""
    case.write(CHAIN, name="x")
    case.run("up", "-d")
    before, watchers = case.pids(), case.watchers()
    said = case.run("up", "-d", "--stack", "x", cwd=case.root.parent).stderr

    assert "nothing to do: 3 ready" in said
    assert (case.pids(), case.watchers()) == (before, watchers)


def test_b08_what_a_dead_stack_left_is_cleaned(case: Case) -> None:
    """Recorded pids of the dead and a stale socket are in nobody's way."""
    case.write(fake("a"))
    case.run("up", "-d")
    dead = case.pids()["a.0"]
    for pid in (*case.watchers().values(), dead):
        os.kill(pid, signal.SIGKILL)
    gone(case)
    place = json.loads((case.state / "state/stack.json").read_text())["runtime"]
    assert Path(place, "control.sock").is_socket()
    case.run("up", "-d")

    assert case.ps()["a.0"]["state"] == "ready"
    assert case.pids()["a.0"] != dead
    case.run("down")
    assert case.left() == []
