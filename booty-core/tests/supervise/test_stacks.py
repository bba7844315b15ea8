"""Stacks of small real programs, seen through the command line."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from booty.supervise import rows, state
from booty.supervise.rows import Rows
from conftest_stacks import (
    PATIENCE,
    SLEEPER,
    alive,
    row,
    until,
    watchers,
    write,
)


def test_up_again_changes_nothing(booty: Any, root: Path) -> None:
    """A second up keeps the pid and says that there is nothing to do."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    pid = row(root, "a.0")["pid"]

    assert "nothing to do" in booty("up", "-d").stderr
    assert row(root, "a.0")["pid"] == pid


def test_killed_supervisor_is_followed(booty: Any, root: Path) -> None:
    """KILL of the supervisor: the program goes on, a successor adopts it."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    pid, before = row(root, "a.0")["pid"], watchers(root)
    os.kill(before["supervisor"], signal.SIGKILL)
    until(root, lambda: watchers(root)["supervisor"] != before["supervisor"])

    assert row(root, "a.0")["pid"] == pid
    assert watchers(root)["guardian"] == before["guardian"]
    assert booty("health").returncode == 0


def test_killed_guardian_is_replaced(booty: Any, root: Path) -> None:
    """KILL of the guardian: the supervisor takes its place and starts a new supervisor."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    pid, before = row(root, "a.0")["pid"], watchers(root)
    os.kill(before["guardian"], signal.SIGKILL)
    until(root, lambda: watchers(root)["supervisor"] != before["supervisor"])

    assert watchers(root)["guardian"] == before["supervisor"]
    assert row(root, "a.0")["pid"] == pid


def test_both_killed_is_said_and_adopted(booty: Any, root: Path) -> None:
    """Both watchers killed: ps says unwatched, the next up adopts and restarts nothing."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    pid, before = row(root, "a.0")["pid"], watchers(root)
    for one in before.values():
        os.kill(one, signal.SIGKILL)
    gone = [one for one in before.values() if alive(one)]

    assert json.loads(booty("ps", "--json").stdout)["unwatched"] or gone
    booty("up", "-d")
    assert row(root, "a.0")["pid"] == pid


def test_exit_code_of_an_adopted_program_is_known(booty: Any, root: Path) -> None:
    """What ends under a successor was reaped by the guardian, and its code is handed on."""
    write(
        root,
        "[services.a]\nuse = 'program'\nrestart = 'never'\n"
        "run = 'trap \"exit 7\" USR1; while :; do sleep 0.05; done'\n",
    )
    booty("up", "-d")
    pid, before = row(root, "a.0")["pid"], watchers(root)
    os.kill(before["supervisor"], signal.SIGKILL)
    until(root, lambda: watchers(root)["supervisor"] != before["supervisor"])
    os.kill(pid, signal.SIGUSR1)
    until(root, lambda: row(root, "a.0")["state"] == "failed")

    assert row(root, "a.0")["exit"]["code"] == 7


def test_killed_program_is_restarted_at_once(booty: Any, root: Path) -> None:
    """A killed program is replaced."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    pid = row(root, "a.0")["pid"]
    os.kill(pid, signal.SIGKILL)
    until(root, lambda: row(root, "a.0")["restarts"] == 1 and row(root, "a.0")["pid"])

    assert row(root, "a.0")["pid"] != pid
    assert row(root, "a.0")["state"] == "ready"


def test_program_that_keeps_ending_is_given_up(booty: Any, root: Path) -> None:
    """Restarts come to an end: the state says failed, with the code and the number of tries."""
    write(
        root,
        "[services.a]\nuse = 'program'\nrun = 'touch \"$F\"; sleep 0.2; exit 3'\n"
        'env = { F = "${dirs.run}/up" }\nready = { file = "${dirs.run}/up" }\n'
        'backoff = { next = "10ms", max = "20ms", give-up = 2 }\n',
    )
    booty("up", "-d")
    until(root, lambda: row(root, "a.0")["state"] == "failed")

    assert row(root, "a.0")["restarts"] == 2
    assert "code 3" in row(root, "a.0")["reason"]


def test_failed_start_leaves_nothing(booty: Any, root: Path) -> None:
    """An early end is told with its last lines; the first up that fails ends its supervisor too."""
    write(root, f"[services.a]\n{SLEEPER}[services.b]\nuse='program'\nrun='echo no luck; exit 3'\n"
          "ready = { log = 'never' }\n")  # fmt: skip
    said = booty("up", "-d", status=7).stderr

    assert "start-exited" in said
    assert "no luck" in said
    assert state.read(root / ".booty")["stack"]["supervisor"] is None
    assert row(root, "a.0")["pid"] is None


def test_failed_change_keeps_what_ran(booty: Any, root: Path) -> None:
    """A failed up stops what it started and nothing that ran before."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    pid = row(root, "a.0")["pid"]
    write(root, f"[services.a]\n{SLEEPER}[services.b]\nuse='program'\nrun='exit 3'\n"
          "ready = { log = 'never' }\n")  # fmt: skip
    booty("up", "-d", status=7)

    assert row(root, "a.0")["pid"] == pid


def test_deaf_program_is_killed_at_its_grace(booty: Any, root: Path) -> None:
    """What ignores TERM is killed, named, and the status says so."""
    write(
        root,
        "[services.a]\nuse='program'\nrun='trap \"\" TERM; while :; do sleep 1; done'\n"
        "grace = '0.3s'\n",
    )
    booty("up", "-d")
    pid = row(root, "a.0")["pid"]
    said = booty("down", status=9).stdout

    assert "killed" in said
    assert not alive(pid)


@pytest.mark.parametrize(("trap", "status"), [("", 0), ('trap "" TERM; ', 9)])
def test_descendants_go_too(booty: Any, root: Path, trap: str, status: int) -> None:
    """A grandchild in a session of its own is asked to end too, and killed at the grace."""
    write(
        root,
        "[services.a]\nuse='program'\ngrace = '0.5s'\n"
        f"run='({trap}exec setsid sleep 1000) & echo $! > \"$F\"; exec sleep 1000'\n"
        'env = { F = "${stack.root}/pid" }\nready = { file = "${stack.root}/pid" }\n',
    )
    booty("up", "-d")
    until(root, lambda: (root / "pid").read_text().strip() != "")
    pid = int((root / "pid").read_text())
    booty("down", status=status)

    assert not alive(pid)


def test_change_touches_only_what_changed(booty: Any, root: Path) -> None:
    """A changed service is replaced, the others keep their pids, a removed one is stopped."""
    write(root, f"[services.a]\n{SLEEPER}[services.b]\n{SLEEPER}[services.c]\n{SLEEPER}")
    booty("up", "-d")
    before = {name: row(root, name)["pid"] for name in ("a.0", "b.0", "c.0")}
    write(root, f"[services.a]\n{SLEEPER}[services.b]\n{SLEEPER}env = {{ X = '1' }}\n")
    booty("up", "-d")

    assert row(root, "a.0")["pid"] == before["a.0"]
    assert row(root, "b.0")["pid"] != before["b.0"]
    assert not alive(before["c.0"])


def test_stop_and_start_of_parts(booty: Any, root: Path) -> None:
    """``stop`` first stops what needs it; ``start`` brings back what is needed."""
    write(root, f"[services.a]\n{SLEEPER}[services.b]\n{SLEEPER}needs = ['a']\n")
    booty("up", "-d")
    booty("stop", "a")
    stopped = {name: row(root, name)["state"] for name in ("a.0", "b.0")}
    hopeless = booty("wait", "a", status=7).stderr
    booty("start", "b")

    assert hopeless == (
        'wait-hopeless: cannot wait for "a.0": it is stopped\n  hint: booty start a.0\n'
    )
    assert stopped == {"a.0": "stopped", "b.0": "stopped"}
    assert {row(root, name)["state"] for name in ("a.0", "b.0")} == {"ready"}


def test_die_with_me_ends_with_its_supervisor(booty: Any, root: Path) -> None:
    """KILL of a die-with-me supervisor: everything of the stack is gone."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d", "--lifetime", "die-with-me")
    pids = [row(root, "a.0")["pid"]]
    fds = [os.pidfd_open(pid) for pid in pids]
    import select

    os.kill(watchers(root)["supervisor"], signal.SIGKILL)
    gone = select.select(fds, [], [], PATIENCE)[0]
    for fd in fds:
        os.close(fd)

    assert gone == fds


def test_cut_state_file_loses_nothing(booty: Any, root: Path) -> None:
    """A state file cut in half: the process is found by its mark, nothing is started twice."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    pid, before = row(root, "a.0")["pid"], watchers(root)
    for one in before.values():
        os.kill(one, signal.SIGKILL)
    file = root / ".booty/state/instances.jsonl"
    file.write_text(file.read_text().splitlines()[-1][:-20])
    booty("up", "-d")

    assert row(root, "a.0")["pid"] == pid


def test_running_state_of_another_machine_is_refused(booty: Any, root: Path) -> None:
    """State that runs elsewhere is not taken over."""
    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    booty("down")
    file = root / ".booty/state/stack.json"
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "machine": {"id": "another", "boot": "b"}}))
    path = str(root / ".booty/state/instances.jsonl")
    Rows(path).write({**rows.read(path)["a.0"], "state": "ready", "pid": 1, "start": 1})

    for command in (("up", "-d"), ("down",)):
        fault = json.loads(booty(*command, "--json", status=10).stdout)["error"]

        assert (fault["reference"], fault["hint"].split()[:3]) == (
            "foreign-state",
            ["booty", "down", "there,"],
        )
    file.write_text(json.dumps(data))


def test_half_a_message_blocks_nobody(booty: Any, root: Path) -> None:
    """A client that sends half a frame and stays does not keep others from being served."""
    import socket

    write(root, f"[services.a]\n{SLEEPER}")
    booty("up", "-d")
    place = json.loads((root / ".booty/state/stack.json").read_text())["runtime"]
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(f"{place}/control.sock")
        link.sendall(b"\x00\x00\x01")

        assert booty("health").returncode == 0


def test_secrets_appear_nowhere(booty: Any, root: Path) -> None:
    """A value that a user set is in the program's environment, and in nothing that booty writes."""
    canary = "canary-7f3a9c"
    write(
        root,
        "[services.a]\nuse='program'\nrun='test $${#KEY} = 13 && exec sleep 1000'\n"
        "secrets = { KEY = 'secret://key' }\nready = { exec = ['true'] }\n",
    )
    missing = booty("up", "-d", status=3).stderr
    import subprocess
    import sys

    file = str(root / "booty.toml")
    set_ = [sys.executable, "-m", "booty", "--file", file, "secrets", "set", "key"]
    env = os.environ | {"BOOTY_HOME": booty.home}
    subprocess.run(set_, input=canary, text=True, check=True, env=env, capture_output=True)
    booty("up", "-d")
    texts = [file.read_bytes() for file in (root / ".booty").rglob("*") if file.is_file()] + [
        Path(f"/proc/{pid}/cmdline").read_bytes() for pid in watchers(root).values()
    ]

    assert "secret-missing" in missing
    assert row(root, "a.0")["state"] == "ready"
    assert [text for text in texts if canary.encode() in text] == []


def test_what_a_shell_had_open_is_not_handed_down(root: Path, booty: Any) -> None:
    """A lock that a shell holds by descriptor 9 is not held by the stack for ever."""
    write(root, f"[services.a]\n{SLEEPER}")
    lock = root / "lock"
    held = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.set_inheritable(held, True)
    subprocess.run(
        [sys.executable, "-m", "booty", "up", "-d"],
        cwd=root,
        env={**os.environ, "BOOTY_HOME": booty.home},
        close_fds=False,
        check=True,
        capture_output=True,
    )
    os.close(held)
    again = os.open(lock, os.O_RDWR)
    fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(again)

    links = [one.readlink() for one in Path(f"/proc/{row(root, 'a.0')['pid']}/fd").iterdir()]
    assert lock not in links
