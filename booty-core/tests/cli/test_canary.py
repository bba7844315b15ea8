"""No secret value is in what commands print, in what is written down, or in any command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CANARY = "canary-5eed"
TEXT = """
[stack]
name = "t"
[services.app]
use = "program"
run = "sleep 1000"
env = {{ A = "${{env.TOKEN}}", B = "${{services.far.url}}" }}
env-file = "app.env"
secrets = {{ K = "secret://k" }}
secrets-as = "{given}"
[services.far]
use = "external"
url = "secret://far"
ready = {{ exec = "true" }}
"""
LOOKS = (
    *("ps", "describe app", "describe far", "health", "events", "logs", "plan", "plan --diff"),
    *("config", "config -v", "graph", "ports", "ls", "secrets list", "open far", "doctor"),
    *("restart app", "stop app", "start app", "up -d -vv", "up -d --replan", "fetch", "lock"),
)
FAULTS = (
    ("wait app --for stopped --timeout 0.1", 8),
    ("up -d nope", 3),
    ("secrets rotate k", 3),
    ("client far", 3),
    ("exec app -- no-such-program", 7),
)
GIVERS = (
    ("secrets", "get", "k"),
    ("env", "--as", "app"),
    ("run", "--as", "app", "--", "env"),
    ("exec", "app", "--", "sh", "-c", "echo $K; cat $K_FILE < /dev/null"),
)
"""What is asked for on purpose."""


def _set(booty: Any, root: Path, name: str, value: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "booty", "secrets", "set", name],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "BOOTY_HOME": booty.home},
        input=value,
        text=True,
        capture_output=True,
        check=True,
    )


def _written(root: Path) -> Iterator[tuple[str, str]]:
    for file in (root / ".booty").rglob("*"):
        if file.is_file():
            yield str(file), file.read_text(errors="replace")
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield str(file), file.read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile


def test_no_value_is_anywhere(booty: Any, root: Path) -> None:
    """Four ways in, two ways to be given; none of the values comes out where nobody asked."""
    (root / "app.env").write_text(f"FILED={CANARY}-file\n")
    for given in ("env", "file"):
        (root / "booty.toml").write_text(TEXT.format(given=given))
        _set(booty, root, "k", f"{CANARY}-{given}")
        _set(booty, root, "far", f"mysql://me:{CANARY}-url@127.0.0.1:1/x")
        token = {"TOKEN": f"{CANARY}-env"}
        booty("up", "-d", **token)
        more = ("--json",) if given == "file" else ()
        for command in LOOKS:
            done = booty(*command.split(), *more, **token)
            assert CANARY not in done.stdout + done.stderr, command
        for command, status in FAULTS:
            done = booty("-vv", *more, *command.split(), status=status, **token)
            assert CANARY not in done.stdout + done.stderr, command
        assert [where for where, text in _written(root) if CANARY in text] == []
        assert [one for one in GIVERS if CANARY not in booty(*one, **token).stdout] == []


def test_a_fault_of_the_file_shows_no_value(booty: Any, root: Path) -> None:
    """A broken env-file, a URL with a password in the file, a command with a secret in it."""
    head = '[services.app]\nuse = "program"\n'
    (root / "app.env").write_text(f"A=1\n{CANARY} without a sign\n")
    for text in (
        f'{head}run = "true"\nenv-file = "app.env"\n',
        f'[services.far]\nuse = "external"\nurl = "a://me:{CANARY}@b"\n',
        f'{head}run = ["true", "${{env.TOKEN}}"]\n',
        f'{head}run = "true"\nready = {{ exec = ["x", "${{env.TOKEN}}"] }}\n',
    ):
        (root / "booty.toml").write_text(text)
        done = booty("-vv", "up", "-d", "--json", status=3, TOKEN=CANARY)

        assert CANARY not in done.stdout + done.stderr, text
