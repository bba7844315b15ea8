"""``booty up -d`` and what brings a stack down again."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from booty.run import locks
from booty.supervise import state

HEAD = '[stack]\nformat = 1\nname = "t"\n'
SIDE = '[services.side]\nuse = "program"\nrun = ["sleep", "1000"]\n'
TASK = '[services.task]\nuse = "program"\nkind = "task"\nrun = "echo worked"\n'
WEB = """
[services.web]
use = "program"
run = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "${ports.http}"]
ports = { http = 0 }
ready = { tcp = "127.0.0.1:${ports.http}" }
needs = ["task"]
"""
SLOW = '[services.slow]\nuse = "program"\nrun = "sleep 100"\nready = { log = "never" }\n'
BAD = '[services.bad]\nuse = "program"\nrun = "echo alas; exit 3"\nready = { log = "never" }\n'
LISTING = """
import json, sys
from booty.cli import main
status = main(["up", "-d"])
print(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""


def write(root: Path, text: str) -> None:
    """Write booty.toml."""
    (root / "booty.toml").write_text(HEAD + text)


def rows(root: Path) -> dict[str, dict[str, Any]]:
    """Return the instances' states by name."""
    return {row["instance"]: row for row in state.read(root / ".booty")["instances"]}


def running(root: Path) -> set[str]:
    """Return the instances that have a process."""
    return {name for name, row in rows(root).items() if row["pid"]}


def watched(root: Path) -> bool:
    """Tell whether guardian or supervisor are there."""
    return locks.held(str(root / ".booty/supervisor.lock"))


def test_first_and_second(booty: Any, root: Path) -> None:
    """The first up tells the steps, the table, what to try; the second that nothing is to do."""
    write(root, TASK + WEB)

    first = booty("up", "-d")
    pids = {name: row["pid"] for name, row in rows(root).items()}
    second = booty("up", "-d")

    said = first.stderr.splitlines()
    assert "web.0 waits for task" in said
    assert any(line.startswith("task.0 done after") for line in said)
    assert any(line.startswith("web.0 ready after") for line in said)
    assert any(line.startswith("  web.0 ready") for line in said[said.index("steps:") :])
    assert [line.split()[1] for line in said[said.index("try next:") + 1 :]] == [
        "logs",
        "ps",
        "down",
    ]
    assert first.stdout == second.stdout
    assert "http://127.0.0.1:" in first.stdout
    assert second.stderr.startswith("nothing to do: 2 ready")
    assert pids == {name: row["pid"] for name, row in rows(root).items()}


def test_nothing_to_do_imports_little(booty: Any, root: Path, stack_env: dict[str, str]) -> None:
    """An up with nothing to do loads neither the plan's floor nor its libraries."""
    write(root, SIDE)
    booty("up", "-d")
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        cwd=root,
        env=stack_env,
        capture_output=True,
        text=True,
        check=True,
    )

    names = json.loads(done.stdout.splitlines()[-1])
    heavy = {"attr", "cattrs", "httpx", "pluggy", "asyncio", "booty.plan", "booty.providers"}
    assert heavy & set(names) == set()


def test_json(booty: Any, root: Path) -> None:
    """With --json one document tells what runs, what was changed and what went wrong."""
    write(root, SIDE)
    first = json.loads(booty("--json", "up", "-d").stdout)
    second = json.loads(booty("up", "-d", "--json").stdout)
    write(root, SIDE + BAD)
    third = json.loads(booty("up", "-d", "--json", status=7).stdout)

    assert first["stack"] == "t"
    assert [(one["instance"], one["action"]) for one in first["changes"]] == [("side.0", "start")]
    assert [one["state"] for one in first["services"]] == ["ready"]
    assert second["changes"] == []
    assert third["error"]["reference"] == "start-exited"


def test_parts(booty: Any, root: Path) -> None:
    """A name brings up what it needs and no more; what is left out is not waited for."""
    write(root, TASK + WEB + SIDE + SLOW)

    booty("up", "-d", "web")
    assert running(root) == {"web.0"}
    booty("up", "-d", "--without", "slow")
    assert running(root) == {"web.0", "side.0"}
    again = booty("up", "-d", "--without", "slow")
    assert again.stderr.startswith("nothing to do: 3 ready")
    wrong = booty("up", "-d", "wob", status=3)
    assert wrong.stderr.startswith("no-service: ")


def test_changes(booty: Any, root: Path) -> None:
    """What differs is changed and told; what is gone is stopped, its data kept and named."""
    write(root, TASK + WEB + SIDE)
    booty("up", "-d")
    before = rows(root)
    write(root, SIDE + "env = { X = '1' }\n" + "[services.new]\nuse='program'\nrun='sleep 99'\n")
    done = booty("up", "-d")

    assert "web.0: stop: no longer in the file; its data is kept" in done.stderr
    assert "side.0: restart: env changed" in done.stderr
    assert running(root) == {"side.0", "new.0"}
    assert rows(root)["side.0"]["pid"] != before["side.0"]["pid"]
    assert (root / ".booty/data/web.0").is_dir()


def test_a_new_label(booty: Any, root: Path) -> None:
    """The name of a stack is a label: it may change, and nothing is restarted."""
    write(root, SIDE)
    booty("up", "-d")
    pid = rows(root)["side.0"]["pid"]
    (root / "booty.toml").write_text(HEAD.replace('"t"', '"other"') + SIDE)
    booty("up", "-d")

    assert json.loads(booty("--json", "ps").stdout)["stack"] == "other"
    assert rows(root)["side.0"]["pid"] == pid


def test_a_failed_first_start(booty: Any, root: Path) -> None:
    """A program that ends at once: its last lines, a reference, a hint; nothing is left."""
    write(root, SIDE + BAD)
    done = booty("up", "-d", status=7)

    said = done.stderr
    assert "last lines of bad.0, in .booty/logs/bad.0.log:\n  | alas\n" in said
    assert 'start-exited: cannot start "bad.0": it ended with code 3 before it was ready' in said
    assert "  hint: booty logs bad.0" in said
    assert not watched(root)
    assert running(root) == set()


def test_keep(booty: Any, root: Path) -> None:
    """With --keep what a failed start leaves can be looked at."""
    write(root, SIDE + BAD)
    booty("up", "-d", "--keep", status=7)

    assert running(root) == {"side.0"}


def test_a_failed_change(booty: Any, root: Path) -> None:
    """A failed up stops what it started and nothing that ran before."""
    write(root, SIDE)
    booty("up", "-d")
    pid = rows(root)["side.0"]["pid"]
    write(root, SIDE + BAD + "[services.new]\nuse='program'\nrun='sleep 99'\n")
    booty("up", "-d", status=7)

    assert running(root) == {"side.0"}
    assert rows(root)["side.0"]["pid"] == pid


@pytest.mark.parametrize("before", [True, False])
def test_too_late(booty: Any, root: Path, before: bool) -> None:
    """A deadline is status 8; what this up started is stopped, what ran before goes on."""
    if before:
        write(root, SIDE)
        booty("up", "-d")
    write(root, SIDE + SLOW)
    done = booty("up", "-d", "--timeout", "0.3", status=8)

    assert 'wait-timeout: cannot wait any longer: "slow.0" is not ready' in done.stderr
    assert running(root) == ({"side.0"} if before else set())
    assert watched(root) is before


def test_never_ready(booty: Any, root: Path) -> None:
    """What is not ready within its own time is told with what was waited for."""
    write(root, SLOW + 'ready-timeout = "200ms"\n')
    done = booty("up", "-d", status=8)

    assert 'waiting for a log line like "never"' in done.stderr


def test_another_command_is_planning(booty: Any, root: Path) -> None:
    """A second up while one plans is refused, and told who is at work."""
    write(root, SIDE)
    (root / ".booty").mkdir(mode=0o700)
    with (root / ".booty/plan.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("pid 7 booty up -d")
        held.flush()
        done = booty("up", "-d", status=10)

    assert 'busy-planning: cannot plan now: "pid 7 booty up -d" is at work' in done.stderr


def test_a_command_that_is_killed_while_it_plans(
    root: Path, stack_env: dict[str, str], tmp_path: Path
) -> None:
    """Guardian and supervisor do not outlive a command that never handed a plan over."""
    write(root, SIDE)
    home = tmp_path / "home"
    (home / "stacks").mkdir(parents=True)
    with (home / "stacks/.lease").open("w") as lease:
        # whoever wants to choose ports now has to wait
        fcntl.flock(lease, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, "-m", "booty", "up", "-d"],
            cwd=root,
            env=stack_env | {"BOOTY_HOME": str(home)},
        ) as command:
            guardian = until_guarded(root)
            command.send_signal(signal.SIGKILL)
    gone(guardian)

    assert not watched(root)


def until_guarded(root: Path) -> int:
    """Return the guardian's pidfd once there is one."""
    end, never = time.monotonic() + 60.0, threading.Event()
    while time.monotonic() < end:
        stack = state.read(root / ".booty")["stack"] or {}
        if stack.get("guardian") and stack.get("supervisor"):
            return os.pidfd_open(stack["guardian"]["pid"])
        never.wait(0.01)
    raise AssertionError("no guardian")


def gone(pidfd: int) -> None:
    """Wait until a process has ended."""
    import select

    assert select.select([pidfd], [], [], 20.0)[0]
    os.close(pidfd)


def test_a_copied_folder(booty: Any, root: Path, tmp_path: Path) -> None:
    """A copy of a stack is refused, both folders named; a moved one is taken over."""
    write(root, SIDE)
    booty("up", "-d")
    booty("down")
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    done = booty("up", "-d", cwd=copy, status=10)
    assert done.stderr.startswith(
        f'copied-stack: cannot use "{copy}": it is a copy of the stack in "{root}"'
    )

    moved = root / "below"
    shutil.rmtree(root / ".booty")
    copy.rename(moved)
    booty("up", "-d", cwd=moved)
    assert running(moved) == {"side.0"}


def test_a_folder_moved_while_it_runs(booty: Any, root: Path) -> None:
    """A stack that runs cannot be driven from another folder."""
    first, second = root / "first", root / "second"
    first.mkdir()
    write(first, SIDE)
    booty("up", "-d", cwd=first)
    first.rename(second)
    try:
        done = booty("up", "-d", cwd=second, status=10)
        assert done.stderr.startswith(f'moved-stack: cannot use "{second}"')
        assert f"mv {second} {first}" in done.stderr
    finally:
        second.rename(first)
        booty("down", cwd=first)


def test_a_state_folder_that_cannot_be_made(booty: Any, root: Path) -> None:
    """A state folder that cannot be written is told with the way out."""
    write(root, SIDE)
    (root / ".booty").write_text("not a folder")
    done = booty("up", "-d", status=3)

    assert done.stderr.startswith("folder-unwritable: cannot write to ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(booty: Any, root: Path) -> None:
    """A folder without the right to write is told, not stumbled over."""
    write(root, SIDE)
    root.chmod(0o500)
    try:
        assert booty("up", "-d", status=3).stderr.startswith("folder-unwritable: ")
    finally:
        root.chmod(0o700)


def test_the_state_folder_is_private(booty: Any, root: Path) -> None:
    """Only its user reads a state folder, and git never does."""
    write(root, SIDE)
    booty("up", "-d")

    assert (root / ".booty").stat().st_mode & 0o777 == 0o700
    assert (root / ".booty/.gitignore").read_text() == "*\n"


def test_ports_of_a_removed_stack_are_free_again(booty: Any, root: Path) -> None:
    """A state folder that was deleted by hand keeps no ports."""
    write(root, WEB.replace('needs = ["task"]\n', "").replace("http = 0", "http = 47123"))
    first = json.loads(booty("--json", "up", "-d").stdout)["services"][0]["ports"]
    booty("down")
    shutil.rmtree(root / ".booty")
    second = json.loads(booty("--json", "up", "-d").stdout)["services"][0]["ports"]

    assert first == second


def test_lifetime_of_a_running_stack(booty: Any, root: Path) -> None:
    """The lifetime changes when it is named, and only then."""
    write(root, SIDE)
    booty("up", "-d")
    assert state.read(root / ".booty")["stack"]["lifetime"] == "outlive-me"
    booty("up", "-d", "--lifetime", "die-with-me")
    assert state.read(root / ".booty")["stack"]["lifetime"] == "die-with-me"
    booty("up", "-d", "--replan")
    assert state.read(root / ".booty")["stack"]["lifetime"] == "die-with-me"


def test_profile_of_a_running_stack(booty: Any, root: Path) -> None:
    """A profile holds while the stack runs, and is forgotten when it was brought down."""
    write(root, SIDE + "[profiles.two.services.side]\nreplicas = 2\n")
    booty("up", "-d", "--profile", "two")
    booty("up", "-d")
    assert running(root) == {"side.0", "side.1"}
    booty("down")
    booty("up", "-d")
    assert running(root) == {"side.0"}


def test_a_newer_provider_changes_nothing(booty: Any, root: Path) -> None:
    """What made the plan was another version: it is said, and nothing is done."""
    write(root, SIDE)
    booty("up", "-d")
    known = root / ".booty/plans/latest.json"
    data = json.loads(known.read_text())
    data["providers"]["program"] = {"version": "0.3.9", "record": "/gone/METADATA"}
    known.write_text(json.dumps(data))
    done = booty("up", "-d")

    assert "note: program 0.3.9 made this plan" in done.stderr
    assert "booty up --replan takes it" in done.stderr
    assert "nothing to do" in done.stderr


def test_start_stop_restart(booty: Any, root: Path) -> None:
    """Parts are stopped with what needs them, started with what they need."""
    write(root, TASK + WEB + SIDE + 'needs = ["web"]\n')
    booty("up", "-d")

    stopped = booty("stop", "web")
    assert [line.split()[0] for line in stopped.stdout.splitlines()[1:]] == ["side.0", "web.0"]
    assert running(root) == set()
    booty("start", "side")
    assert running(root) == {"web.0", "side.0"}
    before = rows(root)["web.0"]["pid"]
    booty("restart", "web")
    assert rows(root)["web.0"]["pid"] != before
    assert booty("start", "wob", status=3).stderr.startswith("no-service: ")


def test_a_start_that_fails_shows_the_last_lines(booty: Any, root: Path) -> None:
    """Also ``start`` tells what a program said before it ended."""
    write(root, SIDE + BAD)
    booty("up", "-d", "side")
    done = booty("start", "bad", status=7)

    assert "  | alas\n" in done.stderr


def test_down(booty: Any, root: Path) -> None:
    """Down says how each ended, leaves nobody behind, and may be typed twice."""
    write(root, TASK + WEB + "[services.deaf]\nuse='program'\ngrace='100ms'\n"
          "run='trap \"\" TERM; echo > $F; exec sleep 1000'\nenv = { F = '${stack.root}/f' }\n"
          "ready = { file = '${stack.root}/f' }\n")  # fmt: skip
    booty("up", "-d")
    done = booty("down", status=9)

    table = [line.split()[:2] for line in done.stdout.splitlines()[1:]]
    assert sorted(table) == [["deaf.0", "killed"], ["web.0", "ended"]]
    assert not watched(root)
    assert booty("down").stderr == "nothing runs\n"


def test_down_that_takes_too_long(booty: Any, root: Path) -> None:
    """A deadline ends the waiting, not the stopping; a second down waits for the rest."""
    write(root, "[services.deaf]\nuse='program'\ngrace='4s'\n"
          "run='trap \"\" TERM; echo > $F; exec sleep 1000'\nenv = { F = '${stack.root}/f' }\n"
          "ready = { file = '${stack.root}/f' }\n")  # fmt: skip
    booty("up", "-d")
    assert booty("down", "--timeout", "0.1", status=9).stderr.startswith("down-timeout: ")
    booty("down", status=9)

    assert running(root) == set()


def test_destroy(booty: Any, root: Path) -> None:
    """Destroy removes what booty made, asks before, and leaves what it did not make."""
    write(root, WEB.replace('needs = ["task"]\n', "") + SIDE)
    booty("up", "-d")
    (root / ".booty/data/mine").mkdir()
    assert booty("destroy", status=3).stderr.rpartition(": ")[2] == "booty destroy --yes t\n"
    assert running(root) == {"web.0", "side.0"}
    of_one = booty("destroy", "web", status=3).stderr
    assert of_one.rpartition(": ")[2] == "booty destroy web --yes t\n"
    booty("destroy", "web", "--yes", "t")
    assert running(root) == {"side.0"}
    assert not (root / ".booty/data/web.0").exists()
    stack_id = json.loads((root / ".booty/id").read_text())["id"]
    booty("destroy", "--yes", "t")

    assert [file.name for file in (root / ".booty").rglob("*")] == ["data", "mine"]
    assert not (Path(booty.home) / f"stacks/{stack_id}.json").exists()


def test_destroy_what_is_gone_from_the_file(booty: Any, root: Path) -> None:
    """Data of a service that left the file can still be removed by name."""
    write(root, SIDE + WEB.replace('needs = ["task"]\n', ""))
    booty("up", "-d")
    write(root, SIDE)
    booty("up", "-d")
    booty("destroy", "web", "--yes", "t")

    assert not (root / ".booty/data/web.0").exists()
    assert running(root) == {"side.0"}
    assert booty("destroy", "wob", "--yes", "t", status=3).stderr.startswith("no-service: ")
