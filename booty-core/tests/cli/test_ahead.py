"""``up -d`` of a stack that was up before starts its watchers before the command is imported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from booty.run import locks
from booty.stack import ahead, here

HEAD = '[stack]\nformat = 1\nname = "t"\n'
TIMES = r'steps:\n(  .*\n)*|\d[\d.]* s|pid": \d+|"(since|at)": ".*"'
SIDE = '[services.side]\nuse = "program"\nrun = ["sleep", "1000"]\n'


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record what would be started, and start nothing."""
    calls: list[dict[str, Any]] = []

    def ensure(folder: str, **settings: Any) -> None:
        calls.append({"folder": folder, **settings})

    monkeypatch.setattr(ahead.launch, "ensure", ensure)
    monkeypatch.setattr(ahead, "_begun", {})
    return calls


@pytest.fixture
def known(booty: Any, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack that was up and is down."""
    (root / "booty.toml").write_text(HEAD + SIDE)
    booty("up", "-d")
    booty("down")
    monkeypatch.chdir(root)
    return root


def test_a_known_stack_is_started(known: Path, asked: list[dict[str, Any]]) -> None:
    """Also from a folder below; with what the command would say itself."""
    below = known / "below"
    below.mkdir()
    with pytest.MonkeyPatch.context() as context:
        context.chdir(below)
        ahead.begin(["up", "-d", "--json"])

    assert [one["folder"] for one in asked] == [str(known / ".booty")]
    assert (asked[0]["name"], asked[0]["lifetime"]) == ("t", "outlive-me")
    assert asked[0]["root"] == str(known)


@pytest.mark.parametrize(
    "words",
    [["up"], ["up", "-d", "side"], ["up", "-d", "--rm"], ["up", "-d", "--lifetime", "die-with-me"]],
)
def test_what_says_more_is_left_to_the_command(
    known: Path, asked: list[dict[str, Any]], words: list[str]
) -> None:
    """Whatever may decide about who is started."""
    ahead.begin(words)

    assert (known.exists(), asked) == (True, [])


@pytest.mark.parametrize("name", here.DECIDE)
def test_the_environment_decides(
    known: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Another file, stack or lifetime is left to the command."""
    monkeypatch.setenv(name, str(known))
    ahead.begin(["up", "-d"])

    assert asked == []


def test_a_lifetime_in_the_file_is_left_to_the_command(
    known: Path, asked: list[dict[str, Any]]
) -> None:
    """The file is not parsed for it."""
    (known / "booty.toml").write_text(f'{HEAD}lifetime = "die-with-me"\n{SIDE}')
    ahead.begin(["up", "-d"])

    assert asked == []


def test_a_copy_and_a_new_stack_are_left_to_the_command(
    known: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy has the id of another stack: its runtime directory is in use."""
    copy = known.parent / "copy"
    shutil.copytree(known, copy)
    new = known.parent / "new"
    new.mkdir()
    (new / "booty.toml").write_text(HEAD + SIDE)
    for folder in (copy, new):
        monkeypatch.chdir(folder)
        ahead.begin(["up", "-d"])

    assert asked == []


def test_a_broken_file_leaves_nobody(booty: Any, known: Path) -> None:
    """What was started ahead ends with the command that cannot go on."""
    (known / "booty.toml").write_text(f"{HEAD}{SIDE}colour = 1\n")
    told = json.loads(booty("up", "-d", "--json", status=3).stdout)

    assert told["error"]["reference"] == "unknown-key"
    assert not locks.held(str(known / ".booty/supervisor.lock"))


def test_a_plan_that_holds_needs_no_command_line(
    known: Path, stack_env: dict[str, str], booty: Any
) -> None:
    """Started again, and again with nothing to do: no library is imported beside python's own."""
    for said in ("side.0 ready", "nothing to do: 1 ready"):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "booty", "up", "-d"],
            cwd=known, env=stack_env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

        assert said in done.stderr
        assert not {"click", "attr", "platformdirs", "booty.cli"} & imported
    assert json.loads(booty("ps", "--json").stdout)["services"][0]["state"] == "ready"


def test_a_changed_file_is_planned_by_the_command(booty: Any, known: Path) -> None:
    """The watchers that were begun ahead are the ones it hands its plan to."""
    (known / "booty.toml").write_text(HEAD + SIDE + SIDE.replace("side", "other"))
    booty("up", "-d")
    rows = json.loads(booty("ps", "--json").stdout)["services"]

    assert {row["instance"]: row["state"] for row in rows} == {
        "other.0": "ready",
        "side.0": "ready",
    }


@pytest.mark.parametrize("words", [[], ["-q"], ["--json"], ["-q", "--json"]])
def test_what_is_said_is_what_the_command_says(booty: Any, known: Path, words: list[str]) -> None:
    """Of a start and of nothing to do; with --file it is the command that does it."""

    def said(*more: str) -> list[str]:
        both = [booty("up", "-d", *words, *more) for _ in range(2)]
        booty("down")
        texts = (text for done in both for text in (done.stdout, done.stderr))
        return [re.sub(TIMES, "", text) for text in texts]

    short, long = said(), said("--file", str(known / "booty.toml"))

    assert short == [text.replace(f" --file {known}/booty.toml", "") for text in long]
    assert any(short)
    assert not any(short[1::2]) or "-q" not in words


def test_a_fault_is_told_as_ever(booty: Any, known: Path) -> None:
    """A saved plan whose program has gone: the words, the status, and nobody left."""
    program = known / "tool"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    (known / "booty.toml").write_text(HEAD + SIDE.replace('"sleep", "1000"', '"./tool"'))
    booty("up", "-d")
    booty("down")
    program.unlink()
    done = booty("up", "-d", "--json", status=7)

    assert json.loads(done.stdout)["error"]["subject"] == "side.0"
    assert "  hint: " in done.stderr
    assert not locks.held(str(known / ".booty/supervisor.lock"))
