"""A plain ``down`` goes without the library that reads command lines, and says the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from booty.run import locks
from booty.stack import parting

HEAD = '[stack]\nformat = 1\nname = "t"\n'
MEEK = '[services.meek]\nuse = "program"\nrun = ["sleep", "1000"]\n'
DEAF = """
[services.deaf]
use = "program"
run = "trap '' TERM; echo up; while :; do sleep 0.05; done"
ready = { log = "up" }
grace = "0.1s"
"""


def ended(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """Return status and words of a command, without its times."""
    return done.returncode, re.sub(r"\d[\d.]*( s|(?=\n))", "T", done.stdout), done.stderr


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize(("services", "status"), [(MEEK, 0), (MEEK + DEAF, 9)])
def test_it_says_what_the_command_says(
    booty: Any, root: Path, more: list[str], services: str, status: int
) -> None:
    """How each ended, and with which status; nothing that runs is said as well."""
    (root / "booty.toml").write_text(HEAD + services)
    (root / "below").mkdir()
    told = []
    for words in (["down"], ["down", "--timeout", "60"]):
        booty("up", "-d")
        first = booty(*words, *more, status=status, cwd=root / "below")
        told.append((ended(first), ended(booty(*words, *more))))

    assert told[0] == told[1]
    assert not locks.held(str(root / ".booty/supervisor.lock"))


def test_nothing_is_imported_for_it(booty: Any, root: Path, stack_env: dict[str, str]) -> None:
    """Python's own library is all it takes."""
    (root / "booty.toml").write_text(HEAD + MEEK)
    booty("up", "-d")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "booty", "down"],
        cwd=root, env=stack_env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert done.stderr.endswith("down; data is kept\n")
    assert not {"click", "attr", "platformdirs", "pathlib", "booty.cli"} & imported


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["down", "--timeout", "9"], {}),
        (["down", "down"], {}),
        (["down", "--help"], {}),
        (["down"], {"BOOTY_STACK": "other"}),
        (["down"], {"BOOTY_FILE": "other"}),
    ],
)
def test_what_says_more_is_left_to_the_command(
    booty: Any,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    more: dict[str, str],
) -> None:
    """Nothing is stopped on a guess."""
    (root / "booty.toml").write_text(HEAD + MEEK)
    booty("up", "-d")
    monkeypatch.chdir(root)
    for name, value in more.items():
        monkeypatch.setenv(name, value)

    assert parting.down(words) is None
    assert json.loads(booty("ps", "--json").stdout)["services"][0]["state"] == "ready"


def test_a_copy_stops_nothing(booty: Any, root: Path) -> None:
    """The state in it is that of another stack, which goes on."""
    (root / "booty.toml").write_text(HEAD + MEEK)
    booty("up", "-d")
    copy = root / "copy"
    copy.mkdir()
    for name in ("booty.toml", ".booty"):
        subprocess.run(["cp", "-r", str(root / name), str(copy)], check=True)
    told = booty("down", "--json", status=10, cwd=copy)

    assert json.loads(told.stdout)["error"]["reference"] == "copied-stack"
    assert json.loads(booty("ps", "--json").stdout)["services"][0]["state"] == "ready"
