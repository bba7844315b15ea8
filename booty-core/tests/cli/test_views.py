"""``booty top`` and ``booty attach``: they look, and leave everything as it is."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from booty.run import locks, marks
from booty.supervise import state
from sessions import opened

HEAD = '[stack]\nformat = 1\nname = "t"\n'
TALKER = """
[services.talker]
use = "program"
run = "trap 'echo bye; exit 0' TERM; printf '\\\\033[2Jhello\\\\n'; echo x > $F; while :; do sleep 0.05; done"
env = { F = "${stack.root}/up" }
ready = { file = "${stack.root}/up" }
"""  # noqa: E501 - one command
SIDE = '[services.side]\nuse = "program"\nrun = ["sleep", "1000"]\n'
CLOSED = "\x1b[?25h\x1b[?1049l"
Open = Callable[..., Any]


@pytest.fixture
def view(root: Path, booty: Any, stack_env: dict[str, str]) -> Open:
    """Bring a stack up, and open a command with pipes, or on a terminal."""
    (root / "booty.toml").write_text(HEAD + TALKER + SIDE)
    booty("up", "-d")

    def start(*arguments: str, terminal: bool = True, **more: str) -> Any:
        argv = [sys.executable, "-m", "booty", *arguments]
        return opened(argv, root, stack_env | more, terminal=terminal)

    return start


def pids(root: Path) -> dict[str, int | None]:
    """Return the processes of instances."""
    return {row["instance"]: row["pid"] for row in state.read(root / ".booty")["instances"]}


def test_top_as_json(view: Open, booty: Any, root: Path) -> None:
    """Each instance with what it uses, then who watches them; a name chooses."""
    assert view
    found = json.loads(booty("top", "--json", "--interval", "10ms").stdout)
    rows = {row["instance"]: row for row in found["instances"]}
    one = json.loads(booty("top", "side", "--json", "--interval", "10ms").stdout)["instances"]

    assert set(rows) == {"talker.0", "side.0", "(guardian)", "(supervisor)"}
    assert {name: rows[name]["pid"] for name in pids(root)} == pids(root)
    assert rows["side.0"]["memory"] > 0
    assert rows["side.0"]["processes"] == 1
    assert rows["side.0"]["cpu"] is not None
    assert [row["instance"] for row in one] == ["side.0", "(guardian)", "(supervisor)"]


def test_top_of_what_is_down(view: Open, booty: Any) -> None:
    """Rows without numbers; off a terminal it is shown once."""
    assert view
    booty("down")
    told = booty("top", "--interval", "10ms").stdout.splitlines()

    assert [line.split() for line in told[1:]] == [["side.0", "stopped"], ["talker.0", "stopped"]]


@pytest.mark.parametrize("name", ["top", "attach"])
@pytest.mark.parametrize("end", ["q", "\x03", signal.SIGTERM, signal.SIGHUP])
def test_leaving_puts_the_terminal_back(
    view: Open, root: Path, name: str, end: str | signal.Signals
) -> None:
    """By key or by signal; nothing is stopped."""
    before = pids(root)
    with view(name) as shown:
        shown.until("side.0")
        assert not shown.echoes()
        if isinstance(end, str):
            shown.type(end.encode())
        else:
            shown.signal(end)
        assert shown.end() == 0
        assert shown.echoes()

    assert shown.said.rstrip().endswith(CLOSED)
    assert pids(root) == before


def test_attach_shows_table_and_lines(view: Open, booty: Any) -> None:
    """What a program says cannot move the cursor; a change of state is seen."""
    with view("attach") as shown:
        shown.until(r"talker\.0.*ready")
        shown.until(r"\| hello")
        booty("stop", "side")
        shown.until(r"side\.0 +stopped")
        shown.type(b"q")
        assert shown.end() == 0

    assert "\x1b[2J" not in shown.said


def test_attach_begins_in_order(view: Open, root: Path) -> None:
    """The first lines come in the order in which they were said, whoever said them."""
    for number, name in enumerate(("side.0", "talker.0") * 2):
        log = root / f".booty/logs/{name}.log"
        with log.open("a") as file:
            file.write(f"said {number}.\n")
            marks.add(str(log), [(file.tell(), time.time() + 100 + number)])
    with view("attach", terminal=False) as shown:
        shown.until(r"said 3\.")

    said = re.findall(r"(\S+) \| said (\d)", shown.said)
    assert said == [("side.0", "0"), ("talker.0", "1"), ("side.0", "2"), ("talker.0", "3")]


def test_attach_outlives_the_supervisor(view: Open, booty: Any, root: Path) -> None:
    """Nobody is asked, so nobody's death matters; the end of the stack ends it."""
    with view("attach", terminal=False) as shown:
        shown.until(r"talker\.0 \| .*hello")
        os.kill(state.read(root / ".booty")["stack"]["supervisor"]["pid"], signal.SIGKILL)
        booty("restart", "talker")
        shown.until("bye")
        booty("down")
        assert shown.end() == 0

    assert shown.said.count("bye") == 2
    assert "the stack is down" in shown.said
    assert not locks.held(str(root / ".booty/supervisor.lock"))


def test_attach_to_what_is_down(view: Open, booty: Any) -> None:
    """There is nothing to watch."""
    assert view
    booty("down")
    told = json.loads(booty("attach", "--json", status=10).stdout)

    assert told["error"]["reference"] == "not-running"


@pytest.mark.parametrize("words", [["attach"], ["top"], ["up"], ["events", "-f"], ["ps"]])
def test_nobody_reads(view: Open, root: Path, stack_env: dict[str, str], words: list[str]) -> None:
    """``booty attach | head -1``: whoever has read enough is no fault, and no status but 0."""
    assert view
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "booty", *words],
        cwd=root, env=stack_env, stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(write)

    assert done.returncode == 0, done.stderr
    assert "Broken pipe" not in done.stderr
    assert all(pids(root).values())


@pytest.mark.parametrize("closed", ["0<&-", "2>&-", ">&- 2>&-"])
def test_closed_standard_streams(booty: Any, root: Path, closed: str) -> None:
    """What the caller closed is opened on nothing: no socket gets its number, all goes well."""
    (root / "booty.toml").write_text(
        '[stack]\nformat = 1\nname = "t"\n[services.a]\nuse = "program"\nrun = ["sleep", "1000"]\n'
    )
    for words in ("up -d", "up -d", "ps", "down"):
        line = f'exec "{sys.executable}" -m booty {words} {closed}'
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=root,
            env=os.environ | {"BOOTY_HOME": booty.home},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (words, done.returncode) == (words, 0)
