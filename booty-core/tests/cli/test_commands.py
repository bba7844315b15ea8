"""Every command: JSON and nothing else with --json, the nearest of wrong names, completion."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAD = '[stack]\nformat = 1\nname = "t"\n'
WEB = """
[services.web]
use = "program"
run = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "${ports.http}"]
ports = { http = 0 }
ready = { tcp = "127.0.0.1:${ports.http}" }
secrets = { API_KEY = "secret://api-key" }
[services.job]
use = "program"
kind = "task"
run = "echo worked"
[profiles.wide.services.web]
replicas = 2
"""
LOOKS = (
    "config",
    "schema",
    "plan",
    "plan --diff",
    "graph",
    "providers",
    "version",
    "lock",
    "fetch",
    "fetch web",
    "ps",
    "ls",
    "ports",
    "store ls",
    "store verify",
    "store gc --dry-run",
    "secrets list",
    "secrets get api-key",
    "secrets backends",
    "doctor",
)
"""Commands that need nothing to run."""
RUNNING = (
    *("up -d", "ps", "describe web", "health", "health web", "wait web", "wait web --for good"),
    *("wait job --for done", "env", "env --as web", "open web", "restart web", "stop web"),
    *("wait web --for stopped", "start web", "plan --diff", "down", "destroy --yes t"),
)
"""Commands in an order in which each does something."""
LINES = ("events", "events web", "logs", "logs job -n 1")
"""Commands that print one JSON object a line."""
NAMED = (
    *("up -d", "start", "stop", "restart", "describe", "health", "wait", "events", "logs"),
    *("open", "fetch", "exec", "client", "env --as", "run --as", "up -d --without"),
    *("up -d --accept", "destroy --yes t"),
)
"""Commands that take the name of a service."""
COMPLETE = """
eval "$({booty} completion bash)"
COMP_WORDS=({words}) COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )) COMPREPLY=()
_booty_completion {booty}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def stack(booty: Any, root: Path) -> Path:
    """A stack that was never up; returns a folder below its root."""
    (root / "booty.toml").write_text(HEAD + WEB)
    (root / "sub").mkdir()
    set_secret(root, booty)
    return root / "sub"


def set_secret(root: Path, booty: Any, value: str = "canary", *arguments: str) -> str:
    """Keep a value under ``api-key``; returns what was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "booty", "secrets", "set", "api-key", *arguments],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "BOOTY_HOME": booty.home},
        input=value,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_json_of_every_command(booty: Any, stack: Path) -> None:
    """One document on stdout and nothing else; none of it is coloured."""
    for command in (*LOOKS, *RUNNING):
        done = booty(*command.split(), "--json", cwd=stack)
        said = json.loads(done.stdout)

        assert isinstance(said, dict), command
        assert "\x1b" not in done.stdout + done.stderr, command


def test_json_a_line(booty: Any, stack: Path) -> None:
    """What may be endless is one object a line."""
    booty("up", "-d", cwd=stack)
    for command in LINES:
        lines = booty(*command.split(), "--json", cwd=stack).stdout.splitlines()

        assert lines, command
        assert all(json.loads(line)["instance"] != "" for line in lines), command


def test_json_by_variable_and_secrets(booty: Any, stack: Path) -> None:
    """BOOTY_JSON=1 is --json; setting and rotating say what was done."""
    assert json.loads(set_secret(stack, booty, "other", "--json")) == {
        "format": 1,
        "name": "api-key",
        "number": 2,
    }
    found = json.loads(booty("secrets", "get", "api-key", cwd=stack, BOOTY_JSON="1").stdout)
    assert found == {"format": 1, "name": "user/api-key", "value": "other"}


@pytest.mark.parametrize(
    ("command", "status", "reference"),
    [
        ("ps --file nowhere.toml", 3, "no-file"),
        ("logs wep", 3, "no-service"),
        ("health", 10, "not-running"),
        ("secrets rotate api-key", 3, "not-generated"),
        ("up --lifetime x", 2, "usage"),
        ("wait", 2, "usage"),
        ("upp", 2, "usage"),
        ("destroy --yes wrong", 3, "not-confirmed"),
    ],
)
def test_a_fault_is_one_object(
    booty: Any, stack: Path, command: str, status: int, reference: str
) -> None:
    """With --json a fault is one object on stdout, and a sentence on stderr as always."""
    done = booty(*command.split(), "--json", cwd=stack, status=status)
    said = json.loads(done.stdout)

    assert (said["error"]["status"], said["error"]["reference"]) == (status, reference)
    assert said["error"]["hint"]
    assert done.stderr
    assert booty(*command.split(), cwd=stack, status=status).stdout == ""


def test_all_faults_are_in_the_object(booty: Any, root: Path) -> None:
    """Several faults of a file are told together there too."""
    (root / "booty.toml").write_text(f'{HEAD}[services.a]\nuse = "program"\ngrace = 1\nrun = 2\n')
    said = json.loads(booty("up", "-d", "--json", status=3).stdout)

    assert len(said["error"]["faults"]) == 2


def test_nearest_name(booty: Any, stack: Path) -> None:
    """Every command that takes a name of a service says which one was probably meant."""
    booty("up", "-d", cwd=stack)
    for command in NAMED:
        more = ("--", "true") if command.startswith(("exec", "run")) else ()
        done = booty(*command.split(), "wep", *more, cwd=stack, status=3)

        assert 'no-service: cannot find "wep": no such service' in done.stderr, command
        assert 'hint: did you mean "web"?' in done.stderr, command
    assert "hint: there is job, web" in booty("logs", "zzzz", cwd=stack, status=3).stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('booty "do"', "down doctor"),
        ('booty logs ""', "web job"),
        ("booty logs web j", "job"),
        ("booty describe web.", "web.0"),
        ("booty up --without w", "web"),
        ('booty up --profile ""', "wide"),
        ('booty env --as ""', "web job user"),
        ("booty wait web --for d", "done"),
        ("booty secrets get a", "api-key"),
        ('booty --file ../booty.toml exec ""', "web job"),
        ("booty --stack no-such exec w", ""),
    ],
)
def test_completion_in_bash(
    booty: Any, stack: Path, stack_env: dict[str, str], words: str, expected: str
) -> None:
    """The script that is printed completes commands, options, services, instances, profiles."""
    if "web." in words:
        booty("up", "-d", cwd=stack)
    done = subprocess.run(
        ["bash", "-c", COMPLETE.format(booty=Path(sys.executable).with_name("booty"), words=words)],
        cwd=stack,
        env=stack_env,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == expected.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_each_shell(
    booty: Any, stack: Path, stack_env: dict[str, str], shell: str
) -> None:
    """Each script asks booty in its own way, and gets the services."""
    asked = {"COMP_WORDS": "booty logs ", "COMP_CWORD": "2" if shell != "fish" else ""}
    done = subprocess.run(
        [sys.executable, "-m", "booty"],
        cwd=stack,
        env=stack_env | asked | {"_BOOTY_COMPLETE": f"{shell}_complete"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "_BOOTY_COMPLETE" in booty("completion", shell).stdout
    assert "web" in done.stdout
    assert "job" in done.stdout


def test_a_copied_folder_has_no_processes(booty: Any, stack: Path) -> None:
    """What runs belongs to the first folder; ``ps`` in the copy does not take it for its own."""
    booty("up", "-d", cwd=stack)
    copy = stack.parent.with_name("copy")
    shutil.copytree(stack.parent, copy)
    here = json.loads(booty("ps", "--json", cwd=stack).stdout)
    there = json.loads(booty("ps", "--json", cwd=copy).stdout)

    assert (there["supervisor"], there["unwatched"]) == (None, False)
    assert [(row["state"], row["pid"]) for row in there["services"]] == [
        ("done", None),
        ("stopped", None),
    ]
    assert here["supervisor"]
    assert here["services"][1]["pid"]


def test_exec_has_what_the_program_has(booty: Any, stack: Path) -> None:
    """``exec`` gives secrets as the program gets them: by value, or by a file."""
    show = ("exec", "web", "--", "sh", "-c", "echo $API_KEY; cat $API_KEY_FILE < /dev/null; pwd")
    booty("up", "-d", cwd=stack)
    by_value = booty(*show, cwd=stack).stdout.split()
    file = stack.parent / "booty.toml"
    file.write_text(file.read_text().replace("ports =", 'secrets-as = "file"\nports ='))
    booty("up", "-d", cwd=stack)
    by_file = booty(*show, cwd=stack).stdout

    assert by_value == ["canary", str(stack.parent)]
    assert by_file == f"\ncanary{stack.parent}\n"


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e300", "-5s", "soon"])
def test_times_are_times(booty: Any, text: str) -> None:
    """A time that none is, or that the system does not take, is a mistake in the command line."""
    told = booty("down", f"--timeout={text}", status=2)

    assert f'"{text}" is no duration such as 10s' in told.stderr
