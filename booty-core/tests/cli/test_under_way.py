"""Commands about what runs: kill, reload, self-restart, analyze, unit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from booty import __version__ as booty_version
from booty.supervise import state
from booty.supervise.client import connect

HEAD = '[stack]\nformat = 1\nname = "shop"\n'
WEB = """
[services.web]
use = "program"
run = "trap 'echo again' HUP; echo up; while :; do sleep 0.05; done"
ready = { log = "up" }
reload = { signal = "HUP" }
"""
SIDE = '[services.side]\nuse = "program"\nrun = ["sleep", "1000"]\nneeds = ["web"]\n'


@pytest.fixture
def stack(booty: Any, root: Path) -> Any:
    """A stack that is up: one service that reloads, one that cannot and needs it."""
    (root / "booty.toml").write_text(HEAD + WEB + SIDE)
    booty("up", "-d")
    return booty


def rows(root: Path) -> dict[str, dict[str, Any]]:
    """Return the instances."""
    return {row["instance"]: row for row in state.read(root / ".booty")["instances"]}


def test_kill_is_followed_by_the_policy(stack: Any, root: Path) -> None:
    """A KILL is a crash: the service is restarted; the process is named."""
    pid = rows(root)["side.0"]["pid"]
    assert f"KILL sent to process {pid}" in stack("kill", "side").stderr
    stack("wait", "side")

    assert rows(root)["side.0"]["pid"] not in {pid, None}
    assert rows(root)["side.0"]["restarts"] == 1
    stack("restart", "side")
    assert rows(root)["side.0"]["restarts"] == 1
    stack("down")
    assert rows(root)["side.0"]["restarts"] == 1, "what happened can be seen until the next up"
    stack("up", "-d")
    assert rows(root)["side.0"]["restarts"] == 0


def test_kill_sends_what_is_asked(stack: Any, root: Path) -> None:
    """A signal by any of its names; the service that takes it goes on."""
    pid = rows(root)["web.0"]["pid"]
    for name in ("HUP", "SIGHUP", "1", "hup"):
        stack("kill", "--signal", name, "web")

    assert rows(root)["web.0"]["pid"] == pid
    assert "no signal" in stack("kill", "--signal", "FOO", "web", status=2).stderr


def test_reload(stack: Any, root: Path) -> None:
    """Who can reload does; who is named and cannot is restarted; nobody else is touched."""
    before = {name: row["pid"] for name, row in rows(root).items()}
    assert "web.0 reloaded" in stack("reload").stderr
    assert {name: row["pid"] for name, row in rows(root).items()} == before

    assert "side.0 cannot reload: restarted" in stack("reload", "side").stderr
    assert rows(root)["side.0"]["pid"] != before["side.0"]
    assert rows(root)["web.0"]["pid"] == before["web.0"]


def test_a_reload_that_fails(booty: Any, root: Path) -> None:
    """It is said: of all, it runs on as before; by name, it is restarted."""
    (root / "booty.toml").write_text(HEAD + WEB.replace('signal = "HUP"', 'exec = ["false"]'))
    booty("up", "-d")
    pid = rows(root)["web.0"]["pid"]
    assert "web.0 did not reload, and runs as before" in booty("reload", status=7).stderr
    assert rows(root)["web.0"]["pid"] == pid
    assert "web.0 did not reload: restarted" in booty("reload", "web").stderr

    assert rows(root)["web.0"]["pid"] not in {pid, None}


def test_start_runs_a_task_again(booty: Any, root: Path) -> None:
    """By its name; ``up`` leaves it done."""
    task = '[services.once]\nuse = "program"\nkind = "task"\nrun = "echo ran"\n'
    (root / "booty.toml").write_text(HEAD + task)
    booty("up", "-d")
    booty("up", "-d")
    booty("start", "once")

    assert (root / ".booty/logs/once.0.log").read_text() == "ran\nran\n"
    assert rows(root)["once.0"]["state"] == "done"


def test_self_restart_touches_no_service(stack: Any, root: Path) -> None:
    """Guardian and supervisor are new, again and again; every service is the process it was."""
    before = {name: row["pid"] for name, row in rows(root).items()}
    watched = state.read(root / ".booty")["stack"]
    for _ in range(6):
        answer = json.loads(stack("self-restart", "--json").stdout)
        assert answer["before"]["pid"] != answer["after"]["pid"]
    now = state.read(root / ".booty")["stack"]

    assert {name: row["pid"] for name, row in rows(root).items()} == before
    assert now["supervisor"]["pid"] != watched["supervisor"]["pid"]
    assert now["guardian"]["pid"] == watched["guardian"]["pid"], "it execs in its own place"
    stack("kill", "side")
    stack("wait", "side")
    assert rows(root)["side.0"]["exit"] is None
    stack("down")


def test_a_newer_booty_takes_over(booty: Any, root: Path, stack_env: dict[str, str]) -> None:
    """Another version in the place of the one that started the stack: every service goes on."""
    tree = root.parent / "tree"
    own = Path(state.__file__).parents[1]
    shutil.copytree(own, tree / "booty", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "booty.toml").write_text(HEAD + WEB + SIDE)

    def older(*words: str) -> None:
        argv, env = [sys.executable, "-m", "booty", *words], {"PYTHONPATH": str(tree)}
        subprocess.run(argv, cwd=root, env=stack_env | env, check=True, capture_output=True)

    def version() -> object:
        with connect(root / ".booty") as link:
            return link.hello["version"]

    older("up", "-d")
    before, first = {name: row["pid"] for name, row in rows(root).items()}, version()
    door = tree / "booty/__init__.py"
    door.write_text(door.read_text().replace(f'"{first}"', '"9.9.9"'))
    older("self-restart")

    assert (first, version()) == (booty_version, "9.9.9")
    assert {name: row["pid"] for name, row in rows(root).items()} == before
    booty("kill", "side")
    booty("wait", "side")
    booty("down")


def test_analyze_names_what_was_waited_for(stack: Any, root: Path) -> None:
    """The path ends with who needs the other, and says so."""
    found = json.loads(stack("analyze", "--json").stdout)
    steps = [(one["instance"], one["name"], one["why"]) for one in found["path"]]

    assert steps[-1] == ("side.0", "ready", "after its exec")
    assert ("side.0", "exec", "waited for web.0") in steps
    assert "side.0 exec" in stack("analyze").stdout


def test_analyze_of_nothing(booty: Any, root: Path) -> None:
    """Nothing was started yet: an error that says what to do."""
    (root / "booty.toml").write_text(HEAD + SIDE.replace('needs = ["web"]\n', ""))

    assert "booty up -d" in booty("analyze", status=3).stderr


@pytest.mark.parametrize("user", [True, False])
def test_unit(booty: Any, root: Path, tmp_path: Path, *, user: bool) -> None:
    """The unit names the stack's folder, this booty, and who it runs as; systemd takes it."""
    (root / "booty.toml").write_text(HEAD + WEB)
    text = booty("unit", *(["--user"] if user else [])).stdout

    assert f"WorkingDirectory={root}\n" in text
    assert f"--file {root}/booty.toml up -d" in text
    assert ("User=" in text) is not user
    file = tmp_path / "booty-shop.service"
    file.write_text(text)
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "verify", file], capture_output=True, text=True, check=False
        )
        said = [line for line in done.stderr.splitlines() if "Special user" not in line]
        assert "booty-shop" not in "\n".join(said), "it may be run as nobody, and nothing else"


def test_unit_of_an_odd_folder(booty: Any, tmp_path: Path) -> None:
    """Whatever a folder is called, systemd starts what was meant; its unit has a plain name."""
    odd = tmp_path / """we ird %h $HOME 'q' "d" b\\s"""
    odd.mkdir()
    (odd / "booty.toml").write_text(HEAD.replace("shop", "my shop") + WEB)
    home = {"PATH": f"/odd $x:{os.environ['PATH']}", "XDG_STATE_HOME": "/st ate", "TZ": ""}
    done = booty("unit", cwd=odd, **home)

    file = """--file "{0}/we ird %%h $$HOME 'q' \\"d\\" b\\\\s/booty.toml" up -d\n"""
    assert file.format(tmp_path) in done.stdout
    assert f'Environment="PATH=/odd $x:{os.environ["PATH"]}"\n' in done.stdout
    assert 'Environment="XDG_STATE_HOME=/st ate"\n' in done.stdout
    assert "TZ=" not in done.stdout
    assert "booty-my-shop.service\n[Unit]\nDescription=booty stack my shop\n" in done.stdout
    assert done.stderr.endswith("enable --now booty-my-shop.service\n")


def test_analyze_of_a_garbled_trace(stack: Any, root: Path) -> None:
    """A trace that somebody garbled is as good as none."""
    (file,) = (root / ".booty/traces").iterdir()
    file.write_text('{"format": 1, "wall": 1, "spans": [{"name": "read"}]}')

    assert "never-up" in stack("analyze", status=3).stderr
