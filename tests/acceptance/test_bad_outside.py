"""What comes from outside a stack: signals, clients, rivals, files that vanish.

Half a message is also sent in ``supervise/test_stacks.py``, files that are wrong in
``test_bad_input.py``, hooks that die in ``supervise/test_hooks.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from conftest_acceptance_provider import installed
from conftest_cases import CHAIN, Case, fake, gone, shell
from test_cases_control import HELLO, Raw, packed

STRANGE = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ALRM", "PIPE", "WINCH", "KILL")
ALONE = "exec 9>>{0}.lock; flock -n 9 || echo {0} >> doubled; echo up; exec sleep 1000"
"""Says so if a second one runs beside it; the lock lives as long as the program."""


def strike(case: Case, name: str) -> None:
    """Send a signal to every process of the stack."""
    for pid in case.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.Signals[f"SIG{name}"])


@pytest.mark.parametrize("name", STRANGE)
def test_a_signal_to_everything_at_once(case: Case, name: str) -> None:
    """Watchers and programs get it in one instant: the next ``up`` makes all well, once."""
    more = 'ready = { log = "up" }'
    case.write("".join(shell(one, ALONE.format(one), more) for one in "ab"))
    case.run("up", "-d")
    strike(case, name)
    case.run("up", "-d", status=None)
    case.run("up", "-d")
    rows = case.ps()

    assert {row["state"] for row in rows.values()} == {"ready"}
    assert len([line for line in case.left() if line.startswith("sleep 1000")]) == 2
    assert not (case.root / "doubled").exists()
    case.run("down")
    assert case.left() == []


def test_ctrl_c_for_the_whole_group(case: Case) -> None:
    """A signal to follower, watchers and programs at once is an orderly end all the same."""
    case.write(CHAIN)
    with case.follow("up") as up:
        up.until("following")
        strike(case, "INT")
        assert up.end() in {0, 9}

    gone(case)
    assert "Traceback" not in up.said


def test_stopped_and_continued(case: Case) -> None:
    """All are frozen and thawed: nothing is restarted, nothing is doubled."""
    case.write(fake("a"))
    case.run("up", "-d")
    pids, watchers = case.pids(), case.watchers()
    strike(case, "STOP")
    strike(case, "CONT")

    assert case.run("health").returncode == 0
    assert (case.pids(), case.watchers()) == (pids, watchers)


def test_clients_that_stay(case: Case) -> None:
    """Half a message, no greeting, a subscriber who never reads: others are served as before."""
    case.write(fake("a"))
    case.run("up", "-d")
    place = json.loads((case.state / "state/stack.json").read_text())["runtime"]
    halves = [Raw(f"{place}/control.sock") for _ in range(40)]
    for number, one in enumerate(halves):
        if number % 2:
            one.ask(packed(HELLO))
            one.link.sendall(packed({"id": 1, "do": "subscribe"}))
        one.link.sendall(struct.pack(">I", 1000) + b'{"id": 1, "do": "st')
    for _ in range(5):
        case.run("restart", "a")
    assert case.run("health").returncode == 0
    case.run("down")
    for one in halves:
        one.link.close()

    assert case.left() == []


def test_two_supervisors_race_for_one_stack(case: Case) -> None:
    """Commands begun in one instant: one of them starts it, nothing runs twice."""
    more = 'ready = { log = "up" }'
    case.write("".join(shell(one, ALONE.format(one), more) for one in "ab"))
    for _ in range(3):
        rivals = [case.start("up", "-d") for _ in range(4)]
        told = [(one.communicate(), one.returncode) for one in rivals]
        statuses = {status for _, status in told}

        assert 0 in statuses, told
        assert statuses <= {0, 10}, told
        assert len([line for line in case.left() if line.startswith("sleep 1000")]) == 2
        assert len(case.watching()) == 2
        case.run("down")
        assert case.left() == []
    assert not (case.root / "doubled").exists()


def test_a_race_of_up_and_down(case: Case) -> None:
    """Whoever wins: nothing is left half, and the next command works."""
    case.write(fake("a"))
    for _ in range(3):
        rivals = [case.start("up", "-d"), case.start("down"), case.start("up", "-d")]
        told = [(one.communicate(), one.returncode) for one in rivals]
        assert not any("Traceback" in said for both, _ in told for said in both), told
        case.run("up", "-d")
        assert len(case.watching()) == 2
        case.run("down")
        assert case.left() == []


@pytest.mark.parametrize("what", [".booty", "."])
def test_a_folder_removed_under_a_running_stack(case: Case, what: str) -> None:
    """It is said; the children can be stopped still, and nothing of them is left."""
    case.write(fake("a") + shell("b", "exec sleep 1000"))
    case.run("up", "-d")
    kept = case.root.parent / "kept"
    shutil.copytree(case.root, kept, ignore=lambda *_: [".booty"])
    shutil.rmtree(case.root / what)
    if what == ".":
        shutil.copytree(kept, case.root)
    looked = case.run("ps", status=None)
    listed = case.run("ls").stdout
    ended = case.run("down", status=None)

    assert "removed" in looked.stderr, looked
    assert "running" in listed
    assert ended.returncode == 0, ended
    assert "b.0" in ended.stdout
    gone(case)
    case.run("up", "-d")
    assert {row["state"] for row in case.ps().values()} == {"ready"}


def test_a_file_that_no_longer_names_a_running_service(case: Case) -> None:
    """What runs can still be looked at and stopped by its name; ``up`` stops it, data kept."""
    case.write(fake("a") + fake("b"))
    case.run("up", "-d")
    case.write(fake("a"))
    assert set(case.pids()) == {"a.0", "b.0"}
    assert case.run("logs", "b").returncode == 0
    assert case.run("describe", "b").returncode == 0
    assert "b.0" in case.run("stop", "b").stdout
    said = case.run("up", "-d").stderr

    assert "b.0: stop: no longer in the file; its data is kept" in said
    assert set(case.pids()) == {"a.0"}
    assert (case.state / "data/b.0").is_dir()


def test_a_file_that_is_gone(case: Case) -> None:
    """Without booty.toml what runs is found from its folder, and below it, and can be stopped."""
    case.write(fake("a"))
    case.run("up", "-d")
    (case.root / "booty.toml").unlink()
    (case.root / "below").mkdir()

    assert set(case.pids()) == {"a.0"}
    assert "ready" in case.run("ps", cwd=case.root / "below").stdout
    assert case.run("up", "-d", status=3).stderr.startswith("no-file: ")
    assert "a.0" in case.run("down").stdout
    assert case.left() == []


HANGS = """
import asyncio, threading
from booty import Component, Launch, OnPath, hookimpl
BOOTY_API = 1

@hookimpl
def components():
    return [Component(id="slow", program="sleep", versions=("1",),
                      sources=(OnPath(version_args=()),))]

@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "1000"))

@hookimpl
async def {verb}({argument}):
    {does}
"""


@pytest.mark.parametrize("does", ["await asyncio.Event().wait()", "threading.Event().wait()"])
def test_a_bootstrap_that_hangs(case: Case, tmp_path: Path, does: str) -> None:
    """The deadline of ``up`` holds, all is taken back, and ctrl-C would be heard as soon."""
    text = HANGS.format(verb="bootstrap", argument="service", does=does)
    case.command = installed(tmp_path / "venv", "slow", text)
    case.write('[services.s]\nuse = "slow"\n' + fake("a"))
    said = case.run("up", "-d", "--timeout", "4", status=8).stderr
    assert '"s.0"' in said
    gone(case)
    with case.follow("up") as up:
        up.until("bootstrapping")
        up.type(b"\x03")
        assert up.end() == 130
    gone(case)


def test_a_stop_hook_that_hangs(case: Case, tmp_path: Path) -> None:
    """The plain way is taken within the grace, and nothing of the worker is left."""
    text = HANGS.format(verb="stop", argument="instance", does="threading.Event().wait()")
    case.command = installed(tmp_path / "venv", "slow", text)
    case.write('[services.s]\nuse = "slow"\ngrace = "2s"\n' + fake("a"))
    case.run("up", "-d")
    done = case.run("down")

    assert "ended well" in done.stdout
    gone(case)
