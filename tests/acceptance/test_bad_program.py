"""Programs that cannot be executed: seen before anything is started, saved or stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest_acceptance import GOOD, SLEEPER, refused, running, write

USE = '[services.x]\nuse = "program"\n'
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00%c\x00" + bytes(44)
"""The head of a program; the machine that it is for is filled in."""
FOREIGN = b"\x3e" if os.uname().machine != "x86_64" else b"\xb7"
KINDS: dict[str, tuple[bytes | None, int, str, str]] = {
    "missing": (None, 0, "no-program", "hint: build it"),
    "not executable": (b"#!/bin/sh\n", 0o644, "cannot-execute", "hint: chmod +x /"),
    "empty": (b"", 0o755, "cannot-execute", "neither a program"),
    "text": (b"hello\n", 0o755, "cannot-execute", "neither a program"),
    "of another machine": (ELF % FOREIGN, 0o755, "foreign-program", "this machine is"),
    "without its interpreter": (b"#!/no/such/sh\n", 0o755, "no-program", '"/no/such/sh"'),
    "with env and no such": (b"#!/usr/bin/env nosuch\n", 0o755, "no-program", '"nosuch"'),
    "from Windows": (b"#!/bin/sh\r\nexit\r\n", 0o755, "cannot-execute", "hint: sed -i"),
}
"""Content, mode, the reference, and a word of the message or its hint."""


def make(root: Path, kind: str) -> tuple[str, str]:
    """Write ``tool``; returns the reference and the word that are expected."""
    content, mode, reference, word = KINDS[kind]
    if content is not None:
        (root / "tool").write_bytes(content)
        (root / "tool").chmod(mode)
    return reference, word


@pytest.mark.parametrize("kind", KINDS)
def test_program_cannot_be_run(booty: Any, root: Path, kind: str) -> None:
    """What is wrong is said with its place and what to type; nothing is started, no plan saved."""
    reference, word = make(root, kind)
    write(root, f'{GOOD}{USE}run = ["./tool"]\n')
    said = refused(booty, root, 7, reference, '"x.0"', "tool", "booty.toml:9", word)

    assert "good.0" not in said
    assert list((root / ".booty/plans").glob("*.json")) == []


@pytest.mark.parametrize(
    ("more", "reference", "word"),
    [
        ('run = ["no-such-program-here"]', "no-program", "PATH is /"),
        ('run = ["tool"]', "no-program", 'hint: write "./tool"'),
        ('run = ["."]\ncwd = "/"', "no-program", "PATH"),
        ('run = ["./"]', "cannot-execute", "it is a folder"),
        ('run = ["sleep", "9"]\ncwd = "gone"', "cwd-missing", "hint: mkdir -p /"),
        ('run = ["sleep", "9"]\nstdin = "gone"', "stdin-missing", "booty.toml:10"),
        ('run = ["sleep", "9"]\nready = { exec = ["./look"] }', "no-program", "toml:10"),
        ('run = ["sleep", "9"]\nlive = { exec = ["./look"] }', "no-program", "toml:10"),
        ('run = ["sleep", "9"]\nreload = { exec = ["./look"] }', "no-program", "toml:10"),
    ],
)
def test_what_belongs_to_it_is_missing(
    booty: Any, root: Path, more: str, reference: str, word: str
) -> None:
    """Names on PATH, working folder, input, and the commands of probes and reload."""
    make(root, "text")
    write(root, f"{GOOD}{USE}{more}\n")

    refused(booty, root, 7, reference, '"x.0"', word)


def test_several_at_once(booty: Any, root: Path) -> None:
    """All programs that cannot be run are told together."""
    write(root, f'{USE}run = ["./one"]\n{USE.replace("x", "y", 1)}run = ["./two"]\n')
    faults = json.loads(booty("up", "-d", "--json", status=7).stdout)["error"]["faults"]

    assert [one["subject"] for one in faults] == ["x.0", "y.0"]


def test_a_running_stack_is_untouched(booty: Any, root: Path) -> None:
    """Neither its processes nor its plan, lock and ports change; a changed service goes on too."""
    write(root, GOOD)
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    kept = {file: file.read_bytes() for file in (root / ".booty/plans").glob("*.json")}
    write(root, GOOD.replace('["sleep", "1000"]', '["./gone"]') + f"[services.x]\n{SLEEPER}")
    said = booty("up", "-d", status=7).stderr

    assert "no-program: " in said
    assert json.loads(booty("ps", "--json").stdout)["services"] == before
    assert {file: file.read_bytes() for file in (root / ".booty/plans").glob("*.json")} == kept


def test_what_runs_needs_its_file_no_more(booty: Any, root: Path) -> None:
    """A program that was deleted under its process stops no other change; a restart is refused."""
    (root / "tool").write_text("#!/bin/sh\nexec sleep 1000\n")
    (root / "tool").chmod(0o755)
    write(root, f'{USE}run = ["./tool"]\n')
    booty("up", "-d")
    (root / "tool").unlink()
    write(root, f'{USE}run = ["./tool"]\n{GOOD}')
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    said = booty("restart", "x", status=7).stderr

    assert "no-program: " in said
    assert json.loads(booty("ps", "--json").stdout)["services"] == before


def test_saved_plan_is_looked_at_too(booty: Any, root: Path) -> None:
    """A program that went since the plan was made is missed before anything is started."""
    make(root, "text")
    (root / "tool").write_text("#!/bin/sh\nexec sleep 1000\n")
    write(root, f'{GOOD}{USE}run = ["./tool"]\n')
    booty("up", "-d")
    booty("down")
    (root / "tool").unlink()

    refused(booty, root, 7, "no-program", "booty.toml:9")


def test_only_what_is_asked_for_is_looked_at(booty: Any, root: Path) -> None:
    """Another service whose program is not there keeps nobody from starting this one."""
    write(root, f'{GOOD}{USE}run = ["./gone"]\n')
    booty("up", "-d", "good")

    assert running(booty) == ["supervisor", "good.0"]


def test_a_task_may_build_it(booty: Any, root: Path) -> None:
    """What waits for a task is started when that has built it; a bad build says what is wrong."""
    build = (
        '[services.build]\nuse = "program"\nkind = "task"\n'
        "run = \"printf '%s' > tool; chmod +x tool\"\n"
    )
    rest = f'{USE}run = ["./tool"]\nneeds = ["build"]\n'
    write(root, build % "#!/bin/sh\\\\nexec sleep 1000\\\\n" + rest)
    booty("up", "-d")

    assert running(booty) == ["supervisor", "x.0"]
    booty("down")
    (root / "tool").unlink()
    write(root, build % "nothing" + rest)
    refused(booty, root, 7, "cannot-execute", '"x.0"', "neither a program")


@pytest.mark.parametrize("ready", ["", "ready = { tcp = '127.0.0.1:1' }\n"])
@pytest.mark.parametrize("first", ["", "sleep 0.03; "])
def test_one_that_exits_at_once(booty: Any, root: Path, ready: str, first: str) -> None:
    """Its end and its last lines are told, probed or not; what ran goes on, no restart is tried."""
    write(root, GOOD)
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    write(root, f"{GOOD}{USE}run = '{first}echo no luck; exit 3'\n{ready}")
    done = booty("up", "-d", "--json", status=7)
    fault = json.loads(done.stdout)["error"]
    after = json.loads(booty("ps", "--json").stdout)["services"]

    assert fault["reference"] == "start-exited"
    assert fault["lines"] == ["no luck"]
    assert "last lines of x.0, in .booty/logs/x.0.log:\n  | no luck\n" in done.stderr
    assert "code 3" in fault["message"]
    assert fault["hint"] == "booty logs x.0"
    assert after[:1] == before
    assert (after[1]["state"], after[1]["restarts"]) == ("failed", 0)


def test_one_that_never_gets_ready(booty: Any, root: Path) -> None:
    """What was waited for is told, and what it said last; it is ended, what ran goes on."""
    write(root, GOOD)
    booty("up", "-d")
    before = json.loads(booty("ps", "--json").stdout)["services"]
    more = "ready = { tcp = '127.0.0.1:1' }\nready-timeout = '300ms'\n"
    write(root, f"{GOOD}{USE}run = 'echo soon; exec sleep 1000'\n{more}")
    fault = json.loads(booty("up", "-d", "--json", status=8).stdout)["error"]
    after = json.loads(booty("ps", "--json").stdout)["services"]

    assert fault["reference"] == "not-ready"
    assert "tcp 127.0.0.1:1" in fault["message"]
    assert fault["lines"] == ["soon"]
    assert "ready-timeout" in fault["hint"]
    assert after[:1] == before
    assert (after[1]["state"], after[1]["pid"]) == ("failed", None)


def test_one_that_ends_well_at_once(booty: Any, root: Path) -> None:
    """An accepted end is no failed start, however soon it comes."""
    write(root, f"{USE}run = 'exit 4'\nexit-codes = [4]\n")
    booty("up", "-d")

    assert json.loads(booty("ps", "--json").stdout)["services"][0]["state"] == "done"
