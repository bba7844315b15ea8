"""``[stack] state-dir``: where the state is, and that nobody loses sight of what runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

A = '[services.a]\nuse = "program"\nrun = ["sleep", "1000"]\n'


def write(root: Path, state: str = "", name: str = "booty.toml") -> None:
    """Write a file with a state folder of its own."""
    line = f'state-dir = "{state}"\n' if state else ""
    services = "" if name == "booty.local.toml" else A
    (root / name).write_text(f'[stack]\nname = "{name[:3]}"\n{line}{services}')


def running(booty: Any) -> int | None:
    """Return the pid of the only instance."""
    (row,) = json.loads(booty("ps", "--json").stdout)["services"]
    pid: int | None = row["pid"]
    return pid


@pytest.mark.parametrize("name", ["booty.toml", "booty.local.toml"])
def test_state_is_where_the_file_says(booty: Any, root: Path, name: str) -> None:
    """The folder may be named in the file or in the local one; ``~`` is the home folder."""
    write(root)
    write(root, "~/states/t", name)
    booty("up", "-d", HOME=str(root / "home"))

    assert (root / "home/states/t/id").exists()
    assert not (root / ".booty").exists()
    assert not (root / "~").exists()
    booty("down", HOME=str(root / "home"))


@pytest.mark.parametrize("before", ["", "one"])
def test_changed_folder_is_refused(booty: Any, root: Path, before: str) -> None:
    """Another folder while state is in the first is no second stack; how to move it is told."""
    write(root, before)
    booty("up", "-d")
    pid = running(booty)
    write(root, "two")
    said = booty("up", "-d", status=10).stderr
    assert booty("plan", status=10).stderr == said
    assert not (root / "two").exists()
    write(root, before)
    held = running(booty)
    booty("down")
    (root / (before or ".booty")).rename(root / "two")
    write(root, "two")
    booty("up", "-d")

    assert held == pid
    assert said.startswith(f'state-elsewhere: cannot use state-dir "{root / "two"}"')
    assert f"mv {root / (before or '.booty')} {root / 'two'}" in said


def test_two_files_in_one_folder(booty: Any, root: Path) -> None:
    """Two stacks may share a folder if each has a state folder of its own."""
    write(root, "one", "one.toml")
    write(root, "two", "two.toml")
    booty("--file", "one.toml", "up", "-d")
    booty("--file", "two.toml", "up", "-d")
    found = json.loads(booty("--stack", "two", "ps", "--json").stdout)
    for name in ("one.toml", "two.toml"):
        booty("--file", name, "down")

    assert found["services"][0]["log"] == str(root / "two/logs/a.0.log")


def test_no_state_dir_in_a_profile(booty: Any, root: Path) -> None:
    """Which profile holds stands in the state: it cannot say where that is."""
    (root / "booty.toml").write_text(f'{A}[profiles.p.stack]\nstate-dir = "x"\n')

    said = booty("plan", status=3).stderr
    assert said.startswith('unknown-key: cannot use "state-dir" in profiles.p.stack')
