"""Programs that speak sd_notify."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from booty.run.loop import Loop
from booty.supervise.client import ControlError
from booty.supervise.notices import Notices
from booty.supervise.said import Said
from conftest_supervise import Stack, alive, entry, probe

NOTIFIER = Path(__file__).with_name("notifier.py")


class Speaker:
    """A service that says what a test tells it to."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.file = stack.root / "orders"
        self.file.touch()

    def up(self, *first: str, wait: bool = True, **changes: Any) -> None:
        """Start it; it begins with these lines."""
        self.tell(*first)
        changes = {"ready": probe(notify=True), **changes}
        argv = [sys.executable, "-I", "-S", str(NOTIFIER), str(self.file)]
        self.stack.up(entry("a.0", "", **changes, argv=argv), wait=wait)

    def tell(self, *lines: str) -> None:
        """Have it do something more."""
        with self.file.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    @property
    def row(self) -> dict[str, Any]:
        """Its state."""
        return self.stack.row("a.0")

    @property
    def log(self) -> str:
        """What it printed."""
        return (self.stack.dir / "logs/a.0.log").read_text()

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What was told of it."""
        lines = (self.stack.dir / "events.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        return [one["detail"] for one in found if one["kind"] == kind and one["instance"] == "a.0"]


@pytest.fixture
def speaker(stack: Stack) -> Speaker:
    """A service that says what it is told to."""
    return Speaker(stack)


def test_reloading_then_ready_again(speaker: Speaker) -> None:
    """A program that reloads is ready all the time, and says so; it is not restarted."""
    speaker.up("say READY=1")
    pid = speaker.row["pid"]
    speaker.tell("say RELOADING=1 MONOTONIC_USEC=@now")
    speaker.stack.until(lambda: speaker.row["reason"] == "reloading")
    assert speaker.row["state"] == "ready"
    speaker.tell("say READY=1")
    speaker.stack.until(lambda: speaker.row["reason"] is None)

    assert (speaker.row["state"], speaker.row["pid"]) == ("ready", pid)


def test_reload_waits_for_its_end(speaker: Speaker) -> None:
    """``reload`` of a program that tells of its reloads is over when the program says so."""
    change = {"reload": {"signal": "WINCH", "exec": []}}
    speaker.up("say READY=1", "say RELOADING=1 MONOTONIC_USEC=@now", "say READY=1", **change)
    speaker.stack.until(lambda: bool(speaker.row.get("says_reloading")))
    with speaker.stack.ensure() as link:
        number = link.send("reload", names=["a"])
        assert link.receive(0.2) is None  # it has not begun
        speaker.tell("say RELOADING=1 MONOTONIC_USEC=@now")
        speaker.stack.until(lambda: speaker.row["reason"] == "reloading")
        speaker.tell("say READY=1")
        answer = link.receive(15.0)

    assert answer is not None
    assert answer["id"] == number
    assert answer["ok"]["reloaded"] == {"a.0": True}


@pytest.mark.parametrize("session", ["", "setsid"])
def test_main_pid_is_watched_and_adopted(speaker: Speaker, session: str) -> None:
    """The process that a program names is its process from then on, for a successor too."""
    speaker.up(f"child {session}")
    pid = speaker.row["pid"]
    assert f"pid={pid}" not in speaker.log
    speaker.stack.until(lambda: speaker.row["state"] == "ready")
    before = speaker.stack.watchers()
    speaker.stack.kill("supervisor")
    speaker.stack.followed(before)
    assert (speaker.row["pid"], speaker.row["restarts"]) == (pid, 0)
    speaker.file.write_text("say READY=1\n")
    os.kill(pid, signal.SIGKILL)
    speaker.stack.until(lambda: speaker.row["restarts"] == 1 and speaker.row["state"] == "ready")

    assert speaker.row["pid"] != pid
    assert [one["signal"] for one in speaker.events("exit")] == [9]
    (report,) = speaker.stack.ask("stop", names=["a"])["report"]
    assert report["how"] == "clean"


def test_main_pid_of_a_stranger_is_refused(speaker: Speaker) -> None:
    """A process that is none of the instance's own is never watched, nor signalled."""
    speaker.up("say READY=1")
    pid = speaker.row["pid"]
    speaker.tell(f"say MAINPID={os.getpid()}")
    speaker.stack.until(lambda: "none of its own" in speaker.stack.told())

    assert speaker.row["pid"] == pid


def test_time_is_extended_while_it_starts(speaker: Speaker) -> None:
    """A program that asks for time gets it, and no more than it asked for."""
    speaker.up("say EXTEND_TIMEOUT_USEC=30000000", wait=False, ready_timeout=0.3)
    with pytest.raises(ControlError):
        speaker.stack.ask("wait", names=None, limit=1.0, **{"for": "ready"})
    assert speaker.row["state"] == "starting"
    speaker.tell("say READY=1")
    speaker.stack.until(lambda: speaker.row["state"] == "ready")


def test_time_is_extended_while_it_stops(speaker: Speaker) -> None:
    """A program that needs longer than its grace to stop says so and is not killed."""
    speaker.up("deaf", "say READY=1", stop={"grace": 0.5})
    with speaker.stack.ensure() as link:
        link.send("stop", names=["a"])
        speaker.tell("say STOPPING=1 EXTEND_TIMEOUT_USEC=30000000")
        assert link.receive(1.0) is None
        speaker.tell("exit 0")
        answer = link.receive(15.0)

    assert answer is not None
    assert answer["ok"]["report"][0]["how"] == "clean"


def test_one_that_stops_by_itself_and_hangs(speaker: Speaker) -> None:
    """STOPPING=1 begins its grace; if it hangs in it, it is killed and restarted."""
    speaker.up("say READY=1", stop={"grace": 0.3})
    pid = speaker.row["pid"]
    speaker.tell("say STOPPING=1")
    speaker.stack.until(lambda: speaker.row["restarts"] >= 1)

    assert not alive(pid)


def test_watchdog(speaker: Speaker) -> None:
    """Who is silent for longer than declared is restarted, and was told how often to speak."""
    live = probe(notify=True, interval=0.5, failures=1)
    speaker.up("say READY=1", live=live)
    pid = speaker.row["pid"]
    assert f"WATCHDOG_USEC=500000 WATCHDOG_PID={pid}\npid={pid}" in speaker.log
    speaker.stack.until(lambda: speaker.row["restarts"] == 1)

    assert "no WATCHDOG=1 within 0.5 s" in speaker.events("unhealthy")[0]["message"]
    assert not alive(pid)


def test_watchdog_is_heard_again(speaker: Speaker) -> None:
    """One that is never restarted is degraded while it is silent."""
    live = probe(notify=True, interval=60.0, failures=1)
    speaker.up("say READY=1", live=live, restart={"policy": "never"})
    speaker.tell("say WATCHDOG_USEC=100000")
    speaker.stack.until(lambda: speaker.row["state"] == "degraded")
    speaker.tell("say WATCHDOG=1 WATCHDOG_USEC=60000000")
    speaker.stack.until(lambda: speaker.row["state"] == "ready")

    assert speaker.row["restarts"] == 0


def test_watchdog_is_triggered(speaker: Speaker) -> None:
    """WATCHDOG=trigger restarts at once."""
    speaker.up("say READY=1", live=probe(notify=True, interval=60.0))
    pid = speaker.row["pid"]
    speaker.tell("say WATCHDOG=trigger")
    speaker.stack.until(lambda: speaker.row["restarts"] == 1)

    assert not alive(pid)


def test_errno_and_status_are_told(speaker: Speaker) -> None:
    """What a program says of its fault stands beside its exit code."""
    with pytest.raises(ControlError) as told:
        speaker.up("say STATUS=reading", "say ERRNO=13", "exit 3")

    assert "ended with code 3 before it was ready (it says: Permission denied)" in str(told.value)
    assert speaker.row["status"] == "reading"


def test_nonsense_is_as_if_it_had_not_been_said(speaker: Speaker) -> None:
    """Numbers that mean nothing: it goes on, and when it ends it is restarted like any other."""
    long = "9" * 30
    speaker.up(
        "say READY=1",
        f"say ERRNO={long} WATCHDOG_USEC=-5 MAINPID={long} EXTEND_TIMEOUT_USEC=-{long}",
        f"say RELOADING=1 MONOTONIC_USEC={long} WATCHDOG_USEC={long}",
        "say READY=1 STATUS=done",
    )
    speaker.stack.until(lambda: speaker.row.get("status") == "done")
    speaker.tell("exit 3")
    speaker.stack.until(lambda: speaker.row["restarts"] > 0)


def test_barrier(speaker: Speaker) -> None:
    """The descriptor of a BARRIER=1 is closed when all before it was read, whoever sends it."""
    speaker.up("say READY=1")
    saved = json.loads((speaker.stack.dir / "state/stack.json").read_text())
    read, write = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.connect(f"{saved['runtime']}/notify.sock")
        socket.send_fds(link, [b"BARRIER=1"], [write])
    os.close(write)
    os.set_blocking(read, True)
    begin = time.monotonic()

    assert os.read(read, 1) == b""
    assert time.monotonic() - begin < 30
    os.close(read)


def test_words_of_a_stranger_count_for_nothing(speaker: Speaker) -> None:
    """Who is no process of the instance cannot make it ready; nor can words that are none."""
    speaker.up("say READY=0 WATCHDOG_USEC=x MAINPID= EXTEND_TIMEOUT_USEC=-", wait=False)
    speaker.stack.until(lambda: speaker.row["state"] == "starting")
    saved = json.loads((speaker.stack.dir / "state/stack.json").read_text())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.sendto(b"READY=1", f"{saved['runtime']}/notify.sock")
    speaker.stack.until(lambda: "say READY=0" in speaker.log)
    speaker.stack.ask("ping")
    assert speaker.row["state"] == "starting"
    speaker.tell("say READY=1")
    speaker.stack.until(lambda: speaker.row["state"] == "ready")


def test_a_successor_knows_what_was_said(speaker: Speaker) -> None:
    """The interval that a program chose, and the time it asked for, hold under a successor."""
    live = {**probe(notify=True), "interval": 0.3}
    speaker.up("say READY=1", "say WATCHDOG_USEC=60000000", live=live)
    speaker.stack.until(lambda: speaker.row.get("said") == {"ready": True, "interval": 60.0})
    pid, before = speaker.row["pid"], speaker.stack.watchers()
    speaker.stack.kill("supervisor")
    speaker.stack.followed(before)
    begin = time.monotonic()
    speaker.stack.until(lambda: time.monotonic() > begin + 0.6)  # twice what was declared

    assert (speaker.row["pid"], speaker.row["restarts"]) == (pid, 0)
    assert speaker.events("unhealthy") == []


def test_a_successor_waits_as_long_as_was_asked_for(speaker: Speaker) -> None:
    """A start that asked for time has it, though its supervisor was killed."""
    speaker.up("say EXTEND_TIMEOUT_USEC=60000000", wait=False, ready_timeout=0.3)
    speaker.stack.until(lambda: bool((speaker.row.get("said") or {}).get("until")))
    pid, before = speaker.row["pid"], speaker.stack.watchers()
    speaker.stack.kill("supervisor")
    speaker.stack.followed(before)
    begin = time.monotonic()
    speaker.stack.until(lambda: time.monotonic() > begin + 0.6)
    speaker.tell("say READY=1")
    speaker.stack.until(lambda: speaker.row["state"] == "ready")

    assert speaker.row["pid"] == pid


def test_a_successor_ends_one_that_stops_by_itself_and_hangs(speaker: Speaker) -> None:
    """STOPPING=1 was said to the supervisor before: its grace begins again, and ends."""
    speaker.up("deaf", "say READY=1", "say STOPPING=1", stop={"grace": 0.5})
    speaker.stack.until(lambda: bool((speaker.row.get("said") or {}).get("stopping")))
    before = speaker.stack.watchers()
    pid = speaker.row["pid"]
    speaker.stack.kill("supervisor")
    speaker.stack.followed(before)
    speaker.stack.until(lambda: not alive(pid))

    speaker.stack.until(lambda: speaker.row["restarts"] == 1)


def test_a_notice_is_gone_once_it_is_written_down() -> None:
    """A supervisor killed before it could write leaves it in the queue for its successor."""
    loop, told, left = Loop(), {}, []
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    fd = ours.detach()
    unit: Any = SimpleNamespace(said=Said(loop), process=object(), row={}, note=told.update)

    def save() -> None:
        with socket.socket(fileno=os.dup(fd)) as link:
            left.append(link.recv(100, socket.MSG_PEEK | socket.MSG_DONTWAIT))

    sup: Any = SimpleNamespace(loop=loop, by_pid={os.getpid(): unit}, save=save)
    notices = Notices(sup, fd)
    read, write = os.pipe()
    socket.send_fds(theirs, [b"READY=1"], [write])
    os.close(write)
    notices.hear()
    notices.hear()

    assert (left, told) == ([b"READY=1"], {"said": {"ready": True}})
    assert os.read(read, 1) == b""  # BARRIER=1: nobody holds the end that came with it
    os.close(read)
    notices._socket.close()
    theirs.close()
