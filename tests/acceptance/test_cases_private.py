"""Private releases: a token of the stack, shown to its host alone and told nowhere."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PROGRAM = b"#!/bin/sh\necho private\n"
TOKEN = "glpat-hush-hush"


@pytest.fixture
def host() -> Iterator[tuple[str, list[str]]]:
    """A host that gives the program to who has the token; its name, and what it was shown."""
    shown: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            """Answer that somebody is here."""
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            """Give it to who may have it."""
            shown.append(self.headers.get("Authorization", ""))
            known = shown[-1] == f"Bearer {TOKEN}"
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(PROGRAM if known else b"")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}", shown
    server.shutdown()
    server.server_close()
    thread.join()


def stack(root: Path, host: str, reference: str) -> None:
    """Write a stack with a private program."""
    digest = hashlib.sha256(PROGRAM).hexdigest()
    (root / "booty.toml").write_text(
        "[stack]\n"
        f'mirrors = {{ "git.example" = "http://{host}" }}\n'
        f'tokens = {{ "{host}" = "{reference}" }}\n'
        "[services.main]\n"
        'use = "program"\n'
        f'source = {{ url = "https://git.example/main", sha256 = "{digest}" }}\n'
        'run = ["${program}"]\n'
        'kind = "task"\n'
    )


def set_token(root: Path, env: dict[str, str]) -> None:
    """Keep the token as a user does."""
    subprocess.run(
        [sys.executable, "-m", "booty", "secrets", "set", "git-token"],
        cwd=root,
        env=env,
        input=TOKEN,
        text=True,
        check=True,
        capture_output=True,
    )


def test_a_private_release_by_a_secret(
    root: Path, booty: Run, stack_env: dict[str, str], host: tuple[str, list[str]], tmp_path: Path
) -> None:
    """The stack's secret opens the host; it stands in no lock, state, log or answer."""
    name, shown = host
    stack(root, name, "secret://git-token")
    home = str(tmp_path / "home")
    missing = booty("fetch", "--json", status=3, BOOTY_HOME=home)
    set_token(root, stack_env | {"BOOTY_HOME": home})
    done = booty("-v", "fetch", "--json", BOOTY_HOME=home)

    fault = json.loads(missing.stdout)["error"]
    assert fault["reference"] == "token-missing"
    assert fault["hint"] == "booty secrets set git-token"
    assert shown == [f"Bearer {TOKEN}"]
    told = done.stdout + done.stderr
    kept = "".join(
        file.read_text(errors="replace")
        for folder in (root, Path(home))
        for file in folder.rglob("*")
        if file.is_file() and file.name != "values.json"
    )
    assert TOKEN not in told + kept


def test_a_private_release_by_a_variable(
    root: Path, booty: Run, host: tuple[str, list[str]], tmp_path: Path
) -> None:
    """In CI the token comes from the environment; without one a person learns what is missing."""
    name, shown = host
    stack(root, name, "${env.GIT_TOKEN:-}")
    home = str(tmp_path / "home")
    refused = booty("fetch", status=5, BOOTY_HOME=home)
    booty("fetch", BOOTY_HOME=home, GIT_TOKEN=TOKEN)

    assert shown == ["", f"Bearer {TOKEN}"]
    assert "it wants to know who asks" in refused.stderr
    stack(root, name, "${env.GIT_TOKEN}")
    assert "GIT_TOKEN is not set" in booty(
        "fetch", status=3, BOOTY_HOME=str(tmp_path / "other")
    ).stderr  # fmt: skip


def test_a_token_itself_is_refused(root: Path, booty: Run) -> None:
    """A token that stands in the file is refused when the file is read."""
    stack(root, "git.example", "ghp_1234567890")
    refused = booty("config", status=3)

    assert 'a reference such as "secret://gh-token"' in refused.stderr
    assert "ghp_1234567890" not in refused.stderr
