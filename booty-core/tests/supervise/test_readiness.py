"""Every kind of readiness of small real programs, and what is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest_stacks import (
    NOTIFIER,
    SERVER,
    SLEEPER,
    row,
    write,
)


def test_never_ready_says_what_was_waited_for(booty: Any, root: Path) -> None:
    """A deadline names the probe."""
    write(
        root, f"[services.a]\n{SLEEPER}ready = {{ tcp = '127.0.0.1:1' }}\nready-timeout = '0.2s'\n"
    )

    assert "tcp 127.0.0.1:1" in booty("up", "-d", status=8).stderr


@pytest.mark.parametrize(
    ("run", "ready"),
    [
        ("sleep 0.05; touch $F; exec sleep 100", '{ file = "${dirs.run}/f" }'),
        ("sleep 0.05; echo it is ready; exec sleep 100", "{ log = 'is ready$' }"),
        ("exec sleep 100", "{ exec = ['true'] }"),
        (
            SERVER,
            '{ http = "http://127.0.0.1:${ports.http}/" }',
        ),
        (SERVER, '{ tcp = "127.0.0.1:${ports.http}" }'),
        (NOTIFIER, "{ notify = true }"),
    ],
    ids=["file", "log", "exec", "http", "tcp", "notify"],
)
def test_every_kind_of_readiness(booty: Any, root: Path, run: str, ready: str) -> None:
    """All six kinds of ready work."""
    write(
        root,
        f"[services.a]\nuse = 'program'\nrun = '''{run}'''\nready = {ready}\n"
        "ports = { http = 0 }\n"
        'env = { F = "${dirs.run}/f", P = "${ports.http}" }\n',
    )
    booty("up", "-d")

    assert row(root, "a.0")["state"] == "ready"


def test_task_runs_once_and_is_waited_for(booty: Any, root: Path) -> None:
    """Who needs a task starts after it ended well; a second up does not run it again."""
    write(
        root,
        "[services.m]\nuse='program'\nkind='task'\nrun='echo ran >> \"$D/ran\"'\n"
        'env = { D = "${stack.root}" }\n'
        f"[services.a]\n{SLEEPER}needs = ['m']\n",
    )
    booty("up", "-d")
    booty("up", "-d")

    assert (root / "ran").read_text() == "ran\n"
    assert row(root, "m.0")["state"] == "done"


def test_failed_task_is_a_failed_start(booty: Any, root: Path) -> None:
    """A task that fails ends the up with its code and lines."""
    write(root, "[services.m]\nuse='program'\nkind='task'\nrun='echo broken; exit 4'\n")
    said = booty("up", "-d", status=7).stderr

    assert "task-failed" in said
    assert "code 4" in said
    assert "broken" in said


def test_any_of_several_is_enough(booty: Any, root: Path) -> None:
    """``of = "any"`` waits for one instance."""
    write(
        root,
        "[services.m]\nuse='program'\nreplicas = 2\n"
        "run='test $I = 0 && touch $F; exec sleep 100'\n"
        'env = { F = "${dirs.run}/f", I = "${instance.index}" }\n'
        'ready = { file = "${dirs.run}/f" }\n'
        "ready-timeout = '3s'\n"
        f"[services.a]\n{SLEEPER}needs = [{{ service = 'm', of = 'any' }}]\n",
    )
    booty("up", "-d", "--keep", status=8)

    assert row(root, "a.0")["state"] == "ready"


def test_file_of_an_earlier_start_is_not_readiness(booty: Any, root: Path) -> None:
    """A file that the last start left says nothing about this one, and the error says so."""
    write(
        root,
        '[services.a]\nuse = "program"\nready-timeout = "300ms"\n'
        'run = "[ -e $F ] || touch $F; exec sleep 1000"\n'
        'env = { F = "${stack.root}/up" }\nready = { file = "${stack.root}/up" }\n',
    )
    booty("up", "-d")
    booty("down")

    done = booty("up", "-d", status=8)
    assert "which is there from before this start and was not written since" in done.stderr
    (root / "up").unlink()
    booty("up", "-d")
