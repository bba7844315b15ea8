"""``up -d`` of a stack that was up before starts its watchers before the command is imported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from booty.run import locks
from booty.stack import ahead

HEAD = '[stack]\nformat = 1\nname = "t"\n'
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


@pytest.mark.parametrize("name", ahead.DECIDE)
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
