"""``booty ls``, and names of stacks: what is gone is in nobody's way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

TEXT = """
[stack]
format = 1
name = "t"

[services.side]
use = "program"
run = ["sleep", "1000"]
"""


@pytest.fixture
def up(booty: Any, root: Path, tmp_path: Path, stack_env: dict[str, str]) -> Any:
    """Bring a stack up in a folder, in a home of its own."""
    stack_env["BOOTY_HOME"] = str(tmp_path / "home")

    def run(name: str) -> Path:
        folder = root / name
        folder.mkdir(exist_ok=True)
        (folder / "booty.toml").write_text(TEXT)
        booty("up", "-d", cwd=folder)
        return folder

    return run


def listed(booty: Any) -> list[tuple[str, str, int]]:
    """Return folder, state and number of instances that run, of each stack."""
    rows = json.loads(booty("ls", "--json").stdout)["stacks"]
    return [(Path(row["root"]).name, row["state"], row["running"]) for row in rows]


def test_begun_anew(booty: Any, up: Any) -> None:
    """A stack that was begun anew in its folder is one stack, and its name means that."""
    folder = up("a")
    booty("down", cwd=folder)
    shutil.rmtree(folder / ".booty")
    both = booty("--stack", "t", "ps").stderr
    up("a")

    assert both == "never up; booty up -d\n"
    assert listed(booty) == [("a", "running", 1)]
    assert "ready" in booty("--stack", "t", "ps").stdout


def test_gone_folders_are_forgotten(booty: Any, up: Any) -> None:
    """One whose folder was removed is forgotten with the next stack; what runs never is."""
    first, second = up("a"), up("b")
    booty("down", cwd=first)
    shutil.rmtree(first)
    shutil.rmtree(second)
    before = listed(booty)
    up("c")

    assert before == [("a", "gone", 0), ("b", "running without its folder", 1)]
    assert listed(booty) == [("b", "running without its folder", 1), ("c", "running", 1)]
    assert "c\n" not in booty("--stack", str(second), "down").stdout
    assert "ready" in booty("--stack", "t", "ps").stdout


def test_several_of_one_name(booty: Any, up: Any) -> None:
    """Two that are there are both named."""
    up("a")
    folder = up("b")

    told = booty("--stack", "t", "ps", status=10).stderr
    assert told.startswith('ambiguous-stack: cannot choose a stack: "t" is ')
    assert f"{folder.parent}/a, {folder}\n" in told
