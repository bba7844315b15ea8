"""``up --watch``: programs are restarted when their files change, as long as somebody holds it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import state
from conftest_supervise import alive

APP = """
[stack]
name = "watched"
[services.app]
use = "program"
run = "cat src/app.txt; echo up; exec sleep 1000"
ready = { log = "up" }
watch = ["src/**"]
[services.other]
use = "program"
run = "exec sleep 1000"
"""
PATIENCE = 30.0


def until(wanted: Callable[[], Any], root: Path) -> Any:
    """Return what is so as soon as it is."""
    end = time.monotonic() + PATIENCE
    while not (found := wanted()):
        assert time.monotonic() < end, (root / ".booty/events.jsonl").read_text()[-3000:]
        select.select([], [], [], 0.02)
    return found


def rows(root: Path) -> dict[str, dict[str, Any]]:
    """Return the state of each instance."""
    return {one["instance"]: one for one in state.read(root / ".booty")["instances"]}


def reasons(root: Path) -> list[str]:
    """Return why something was restarted."""
    events = map(json.loads, (root / ".booty/events.jsonl").read_text().splitlines())
    changes = (one["detail"]["reason"] for one in events if one["kind"] == "change")
    return [one for one in changes if one.endswith(" changed")]


class Watch:
    """One ``up --watch``."""

    def __init__(self, root: Path, env: dict[str, str], *more: str) -> None:
        self.root = root
        self.said = root / f"said-{time.monotonic_ns()}"
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "booty", "up", "--watch", *more],
                cwd=root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self.hears("following")

    def hears(self, words: str) -> None:
        """Wait until it says something."""
        until(lambda: words in self.said.read_text(), self.root)

    def stop(self) -> int:
        """End it as a person does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return self.process.returncode


@pytest.fixture
def watching(root: Path, stack_env: dict[str, str], booty: Any) -> Iterator[Callable[..., Watch]]:
    """Begin to watch; it has ended when the test does."""
    del booty  # brings the stack down
    begun: list[Watch] = []
    (root / "src").mkdir()
    (root / "src/app.txt").write_text("one\n")
    (root / "booty.toml").write_text(APP)

    def begin(*more: str) -> Watch:
        begun.append(Watch(root, stack_env, *more))
        return begun[-1]

    yield begin
    for one in begun:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(PATIENCE)


def restarted(root: Path, before: dict[str, dict[str, Any]]) -> Callable[[], bool]:
    """Tell whether the program runs anew."""
    pids = {None, before["app.0"]["pid"]}
    return lambda: (now := rows(root)["app.0"])["state"] == "ready" and now["pid"] not in pids


def test_a_changed_file_restarts_its_program(watching: Any, root: Path) -> None:
    """And no other; which file it was is said."""
    watch = watching()
    before = rows(root)
    (root / "src/app.txt").write_text("two\n")
    until(restarted(root, before), root)
    watch.hears("app.0: restart: src/app.txt changed")

    assert rows(root)["other.0"]["pid"] == before["other.0"]["pid"]
    assert (root / ".booty/logs/app.0.log").read_text().split() == ["one", "up", "two", "up"]
    assert rows(root)["app.0"]["restarts"] == 0
    assert watch.stop() == 0


def test_a_change_during_a_restart_is_not_lost(watching: Any, root: Path) -> None:
    """A file that changes while the program starts restarts it once more."""
    text = APP.replace("echo up", "while [ -e block ]; do sleep 0.05; done; echo up")
    (root / "booty.toml").write_text(text)
    watching()
    before = rows(root)
    (root / "block").touch()
    (root / "src/app.txt").write_text("two\n")
    log = root / ".booty/logs/app.0.log"
    until(lambda: "two" in log.read_text(), root)
    (root / "src/app.txt").write_text("three\n")
    (root / "block").unlink()
    until(lambda: "three" in log.read_text() and restarted(root, before)(), root)

    assert log.read_text().split()[-2:] == ["three", "up"]


def test_a_program_that_fails_is_tried_again_when_mended(watching: Any, root: Path) -> None:
    """A fault that somebody saves is a failed start; what runs otherwise goes on."""
    text = APP.replace("echo up", "grep -q bad src/app.txt && exit 3; echo up")
    (root / "booty.toml").write_text(text)
    watch = watching()
    before = rows(root)
    (root / "src/app.txt").write_text("bad\n")
    watch.hears('cannot start "app.0"')
    until(lambda: rows(root)["app.0"]["state"] == "failed", root)
    assert rows(root)["other.0"]["pid"] == before["other.0"]["pid"]
    (root / "src/app.txt").write_text("good\n")
    until(restarted(root, before), root)


def test_a_successor_watches_on(watching: Any, root: Path) -> None:
    """After KILL of the supervisor, and of the guardian too."""
    watching("--lifetime", "outlive-me")
    for role in ("supervisor", "guardian"):
        before = rows(root)
        stack = json.loads((root / ".booty/state/stack.json").read_text())
        os.kill(stack[role]["pid"], signal.SIGKILL)
        until(lambda pid=stack["supervisor"]["pid"]: follower_of(root, pid), root)
        (root / "src/app.txt").write_text(f"{role}\n")
        until(restarted(root, before), root)


def test_what_changes_while_nobody_watches(watching: Any, root: Path) -> None:
    """Between the supervisor's death and its successor: it is restarted all the same."""
    watching("--lifetime", "outlive-me")
    before = rows(root)
    stack = json.loads((root / ".booty/state/stack.json").read_text())
    # the guardian is stopped, so that there is no successor until the file has changed
    os.kill(stack["guardian"]["pid"], signal.SIGSTOP)
    os.kill(stack["supervisor"]["pid"], signal.SIGKILL)
    until(lambda: not alive(stack["supervisor"]["pid"]), root)
    (root / "src/app.txt").write_text("two\n")
    os.kill(stack["guardian"]["pid"], signal.SIGCONT)
    until(restarted(root, before), root)

    assert "two" in (root / ".booty/logs/app.0.log").read_text()


def follower_of(root: Path, pid: int) -> bool:
    """Tell whether a successor is there and watches."""
    stack = state.read(root / ".booty")["stack"] or {}
    now = stack.get("supervisor") or {}
    if now.get("pid") in {None, pid}:
        return False
    # an open inotify descriptor with watches in it
    infos = Path(f"/proc/{now['pid']}/fdinfo")
    try:
        return sum(one.read_text().count("inotify wd:") for one in infos.iterdir()) >= 2
    except OSError:
        return False


def test_it_ends_with_the_command(watching: Any, root: Path, booty: Any) -> None:
    """Who joins a running stack to watch takes the watching with him when he leaves."""
    booty("up", "-d")
    watch = watching()
    before = rows(root)
    assert watch.stop() == 0
    (root / "src/app.txt").write_text("two\n")
    (root / "src/more.txt").write_text("two\n")
    again = watching()
    assert rows(root)["app.0"]["pid"] == before["app.0"]["pid"]
    (root / "src/app.txt").write_text("three\n")
    until(restarted(root, before), root)
    again.process.kill()
    again.process.wait(PATIENCE)

    assert rows(root)["app.0"]["state"] == "ready"


def test_new_globs_hold_at_once(watching: Any, root: Path, booty: Any) -> None:
    """What ``up`` changes of ``watch`` is obeyed by who watches already; nothing is restarted."""
    watching("--lifetime", "outlive-me")
    before = rows(root)
    (root / "booty.toml").write_text(APP.replace("src/**", "conf.txt"))
    assert "watch changed; no restart needed" in booty("up", "-d").stderr
    (root / "src/app.txt").write_text("two\n")
    (root / "conf.txt").write_text("new\n")
    until(restarted(root, before), root)

    assert reasons(root) == ["conf.txt changed"]


def test_refused_and_noted(booty: Any, root: Path) -> None:
    """With -d nobody would hold it."""
    (root / "booty.toml").write_text(APP)

    assert "--watch ends with this command" in booty("up", "-d", "--watch", status=2).stderr
