"""No descriptor or no process to be had: nothing is doubled or lost, and it goes on after."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from conftest_supervise import PATIENCE, Stack, alive, entry, probe

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others: Linux")

ALONE = "exec 9>>{name}.lock; flock -n 9 || echo {name} >> doubled; echo up; exec sleep 1000"
PIDS = ("/sys/fs/cgroup/pids", "/sys/fs/cgroup")
TICKS = os.sysconf("SC_CLK_TCK")


def program(name: str) -> dict[str, object]:
    """Return a program that is doubled by nobody, and restarted as often as need be."""
    restart = {"reset": 0.0, "give_up": 1000}
    run = ALONE.format(name=name)
    return entry(f"{name}.0", run, ready=probe(log="up"), restart=restart)


@pytest.fixture
def two(stack: Stack) -> Stack:
    """Two programs that run."""
    stack.up(program("a"), program("b"))
    return stack


def squeeze(pid: int, free: int, *, for_good: bool = False) -> None:
    """Leave a process only so many descriptors that it may open; its successors too, for good."""
    taken = {int(one.name) for one in Path(f"/proc/{pid}/fd").iterdir()}
    left = (number for number in range(1 << 20) if number not in taken)
    most = next(islice(left, free, None))
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most if for_good else hard))


def relieve(pid: int) -> None:
    """Let a process open what it likes."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))


def cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _runs(row: dict[str, Any]) -> bool:
    return row["state"] == "ready" and alive(row["pid"] or 0)


def sound(stack: Stack, before: dict[str, int]) -> None:
    """Show that both run, the other one as before, and that nothing was ever doubled."""
    # one that was killed a moment ago may still be called ready
    stack.until(lambda: all(_runs(stack.row(name)) for name in ("a.0", "b.0")))
    assert stack.row("b.0")["pid"] == before["b.0"]
    assert not (stack.root / "doubled").exists()


def refused(stack: Stack) -> bool:
    """Take the last descriptor, and end the program; tells whether that was why it stays away."""
    squeeze(stack.watchers()["supervisor"], 0)
    if pid := stack.row("a.0")["pid"]:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
    told = (stack.dir / "logs/supervisor.log").read_text()
    return "Too many open files" in str(stack.row("a.0")["reason"]) + told


@pytest.mark.parametrize("free", range(8))
def test_no_descriptor_for_a_restart(two: Stack, free: int) -> None:
    """A program dies meanwhile: it is tried again until it can be, by the same supervisor."""
    watchers, before = two.watchers(), {name: two.row(name)["pid"] for name in ("a.0", "b.0")}
    squeeze(watchers["supervisor"], free)
    os.kill(before["a.0"], 9)
    two.until(lambda: two.row("a.0")["pid"] != before["a.0"])
    if not free:
        two.until(lambda: refused(two))
    relieve(watchers["supervisor"])

    sound(two, before)
    assert two.watchers() == watchers


@pytest.mark.parametrize("kind", [{"exec": ["true"]}, {"tcp": "127.0.0.1:{port}"}])
def test_no_descriptor_for_a_look(stack: Stack, kind: dict[str, Any]) -> None:
    """A program at which nobody can look is not unhealthy, and is not restarted."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = json.dumps(kind).replace("{port}", str(server.getsockname()[1]))
        live = probe(**json.loads(text)) | {"interval": 0.02, "failures": 2}
        stack.up(program("a"), {**program("b"), "live": live})
        before, pid = stack.row("b.0")["pid"], stack.watchers()["supervisor"]
        end = time.monotonic() + 1.0
        # again and again: a look may be under way, and leave its descriptor to the next
        stack.until(lambda: squeeze(pid, 0) or time.monotonic() > end)
        found = stack.row("b.0")
        relieve(pid)

    assert (found["state"], found["pid"]) == ("ready", before)


def test_no_descriptor_for_clients(two: Stack) -> None:
    """They wait in the line, which costs nothing, and are answered when there is one again."""
    pid = two.watchers()["supervisor"]
    saved = json.loads((two.dir / "state/stack.json").read_text())
    squeeze(pid, 0)
    with ExitStack() as links:
        for _ in range(3):
            link = links.enter_context(socket.socket(socket.AF_UNIX))
            link.connect(f"{saved['runtime']}/control.sock")
        begin, end = cpu(pid), time.monotonic() + 1.0
        two.until(lambda: time.monotonic() > end)
        used = cpu(pid) - begin
        relieve(pid)

    assert two.ask("ping") == {}
    assert used < 0.1  # of a second; looking without a pause takes all of it


def pids_group() -> Path | None:
    """Return a folder of control groups that limits processes, if we may make groups there."""
    for place in PIDS:
        if os.access(place, os.W_OK) and Path(place, "cgroup.procs").exists():
            return Path(place)
    return None


class Forks:
    """Takes from a process the right to have children, and gives it back."""

    def __init__(self, pid: int, name: str) -> None:
        self.pid = pid
        self.group: Path | None = None
        if os.geteuid() == 0:
            base = pids_group()
            if base is None:
                pytest.skip("root is limited by control groups alone, and none can be made here")
            self.base, self.group = base, base / name

    def forbid(self) -> None:
        """No child from now on."""
        if self.group is None:
            _, hard = resource.prlimit(self.pid, resource.RLIMIT_NPROC)
            resource.prlimit(self.pid, resource.RLIMIT_NPROC, (1, hard))
            return
        self.group.mkdir()
        (self.group / "cgroup.procs").write_text(str(self.pid))
        (self.group / "pids.max").write_text("1")

    def allow(self) -> None:
        """As before."""
        if self.group is None:
            _, hard = resource.prlimit(self.pid, resource.RLIMIT_NPROC)
            resource.prlimit(self.pid, resource.RLIMIT_NPROC, (hard, hard))
        elif self.group.exists():
            (self.group / "pids.max").write_text("max")

    def end(self) -> None:
        """Remove the group."""
        if self.group is not None and self.group.exists():
            for pid in (self.group / "cgroup.procs").read_text().split():
                with suppress(OSError):
                    (self.base / "cgroup.procs").write_text(pid)
            self.group.rmdir()


@pytest.fixture
def forks(two: Stack) -> Iterator[dict[str, Forks]]:
    """The right of guardian and supervisor to have children."""
    made = {role: Forks(pid, f"booty-test-{pid}") for role, pid in two.watchers().items()}
    yield made
    for one in made.values():
        one.end()


def test_no_process_for_a_restart(two: Stack, forks: dict[str, Forks]) -> None:
    """A program dies where nothing can be started: it is tried again, and why is told."""
    watchers, before = two.watchers(), {name: two.row(name)["pid"] for name in ("a.0", "b.0")}
    forks["supervisor"].forbid()
    os.kill(before["a.0"], 9)
    two.until(lambda: "Resource temporarily unavailable" in str(two.row("a.0").get("reason")))
    forks["supervisor"].allow()

    sound(two, before)
    assert two.watchers() == watchers


def test_no_process_for_a_successor(two: Stack, forks: dict[str, Forks]) -> None:
    """The supervisor dies where the guardian can start none: it tries again, and all go on."""
    watchers, before = two.watchers(), {name: two.row(name)["pid"] for name in ("a.0", "b.0")}
    forks["guardian"].forbid()
    os.kill(watchers["supervisor"], 9)
    log = two.dir / "logs/supervisor.log"
    two.until(lambda: "cannot start a supervisor" in log.read_text())
    forks["guardian"].allow()
    two.followed(watchers)

    sound(two, before)
    assert two.row("a.0")["pid"] == before["a.0"]
    assert two.watchers()["guardian"] == watchers["guardian"]


def test_no_descriptor_for_an_adoption(two: Stack) -> None:
    """Successors who cannot watch what runs give up and take nothing for gone; the next up can."""
    watchers, before = two.watchers(), {name: two.row(name)["pid"] for name in ("a.0", "b.0")}
    squeeze(watchers["guardian"], 0, for_good=True)
    os.kill(watchers["supervisor"], 9)
    two.until(lambda: json.loads((two.dir / "state/stack.json").read_text()).get("unwatched"))
    assert all(alive(pid) for pid in before.values())
    with two.ensure() as link:
        link.request("ping", timeout=PATIENCE)

    sound(two, before)
    assert two.row("a.0")["pid"] == before["a.0"]
