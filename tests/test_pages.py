"""What pages tell people to type works as typed."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.real, pytest.mark.slow]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the code of a page with its language, in order."""
    return BLOCK.findall(page.read_text())


class Terminal:
    """A person's terminal in a folder: types lines, each of which must go well."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env

    def type(self, text: str, answer: str = "") -> str:
        """Type lines; returns what they printed."""
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.env,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def terminal(root: Path, stack_env: dict[str, str]) -> Iterator[Terminal]:
    """A terminal where ``booty`` and ``python`` are those under test, without a browser."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    one = Terminal(root, stack_env | {"PATH": path, "BROWSER": "true"})
    yield one
    for file in root.rglob("booty.toml"):
        subprocess.run(["booty", "--file", file, "down"], env=one.env, check=False)


@pytest.fixture
def subscriber(terminal: Terminal) -> Iterator[list[subprocess.Popen[str]]]:
    """What was left running in other terminals, ended at the end."""
    running: list[subprocess.Popen[str]] = []
    yield running
    for one in running:
        one.kill()
        one.communicate()


def told(process: subprocess.Popen[str], text: str) -> str:
    """Wait until a process has printed a text."""
    assert process.stdout is not None
    said = ""
    while text not in said:
        assert select.select([process.stdout], [], [], 30)[0], said
        said += os.read(process.stdout.fileno(), 4096).decode()
    return said


def test_the_tutorial(
    terminal: Terminal, workspace: Path, subscriber: list[subprocess.Popen[str]]
) -> None:
    """Every block of the tutorial in order; the wheels of step 1 have a test of their own."""
    steps = blocks(workspace / "docs/tutorial/first-stack.md")
    assert "pip install" in steps.pop(0)[1]
    said = []
    for language, text in steps:
        if language == "toml":
            with (terminal.folder / "booty.toml").open("a") as file:
                file.write("\n" + text)
        elif " sub " in text:
            other = subprocess.Popen(
                ["bash", "-c", f"exec {text}"], cwd=terminal.folder, env=terminal.env,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            subscriber.append(other)
            told(other, "listening to")
        else:
            said.append(terminal.type(text, answer="shop\n"))
            if "cd shop" in text:
                terminal.folder /= "shop"
    everything = "".join(said)

    assert told(subscriber[0], "two pounds of coffee")
    assert "nats://" in everything
    assert "hello.0" in everything
    assert not (terminal.folder / ".booty" / "data").exists()


def test_run_a_command(terminal: Terminal, workspace: Path) -> None:
    """Each line of the page on commands, in a stack of two services."""
    ((_, text),) = blocks(workspace / "docs/how-to/run-a-command.md")
    lines = {line.partition(" #")[0].strip() for line in text.splitlines()}
    first = "booty run --up --rm -- pytest"
    (terminal.folder / "test_it.py").write_text(
        "import os\ndef test_it():\n    assert os.environ['BUS_URL'] and os.environ['NATS_URL']\n"
    )
    (terminal.folder / "booty.toml").write_text(
        '[stack]\nformat = 1\n[services.bus]\nuse = "nats"\n[services.main]\nuse = "program"\n'
        'run = ["sleep", "1000"]\nenv = { URL = "${services.bus.url}" }\n'
    )
    assert first in lines
    terminal.type(first)  # refused where data already is, so it comes first
    terminal.type("booty up -d")
    for line in sorted(lines - {first}):
        terminal.type(line)

    assert "BUS_URL=" in (terminal.folder / ".env").read_text()


def test_fetch_elsewhere(
    terminal: Terminal, workspace: Path, tmp_path: Path, shared_home: Path
) -> None:
    """A bundle is carried to a machine that reaches neither publisher nor index."""
    page = blocks(workspace / "docs/how-to/fetch-elsewhere.md")
    keep, make, unpack, use = (text for language, text in page if language == "sh")
    terminal.type("booty init nats")
    terminal.type(f"echo token | {keep}")
    # its wheels have a test of their own
    terminal.type(f"{make.strip()} --no-wheels")
    terminal.type("\n".join(unpack.splitlines()[:2]))
    nowhere = "http://127.0.0.1:1"
    offline = dict.fromkeys(("PIP_INDEX_URL", "HTTPS_PROXY", "https_proxy"), nowhere)
    kept = {key: one for key, one in terminal.env.items() if not key.startswith(("XDG_", "BOOTY_"))}
    terminal.env = kept | offline | {"HOME": str(tmp_path / "home")}
    # another machine but for its ports: those that stacks of other tests hold are taken
    where = "python -c 'from booty import paths; print(paths.registry())'"
    registry = Path(terminal.type(where).strip())
    registry.parent.mkdir(parents=True)
    (shared_home / "stacks").mkdir(parents=True, exist_ok=True)
    registry.symlink_to(shared_home / "stacks")

    assert "ready after" in terminal.type(use)
    terminal.type("cd shop/stack && booty down")


def test_your_own_programs(terminal: Terminal, workspace: Path) -> None:
    """The file of the page is planned: its server is to be fetched, its tool is none of it."""
    page = blocks(workspace / "docs/how-to/your-own-programs.md")
    (file,) = (text for language, text in page if language == "toml")
    (terminal.folder / "booty.toml").write_text(f'[stack]\nformat = 1\nname = "shop"\n{file}')
    planned = terminal.type("booty plan")

    assert "program/shop." in planned
    assert "main.0" in planned
    assert "shopctl" not in planned


@pytest.mark.parametrize("number", [0, 1])
def test_embed(terminal: Terminal, workspace: Path, number: int) -> None:
    """The programs of the page on embedding run, and leave nothing."""
    _, text = blocks(workspace / "docs/how-to/embed.md")[number]
    terminal.type("booty init nats")
    (terminal.folder / "program.py").write_text(text)
    terminal.type("python program.py")

    assert "nothing runs" in terminal.type("booty ps; booty down")


def test_the_cluster(terminal: Terminal, workspace: Path) -> None:
    """Every command of the page on clusters: lose a member, go from one to three."""
    page = blocks(workspace / "docs/how-to/nats-cluster.md")
    file = terminal.folder / "booty.toml"
    table = page.pop(0)[1]
    file.write_text(f'[stack]\nformat = 1\nname = "shop"\n{table}')
    terminal.type(page.pop(0)[1])
    lost = page.pop(0)[1]
    rows = json.loads(terminal.type("booty ps --json"))["services"]
    (pid,) = (row["pid"] for row in rows if row["instance"] == "bus.1")
    assert "100" in terminal.type(lost.replace("PID", str(pid)))
    terminal.type("booty destroy --yes shop")

    file.write_text(file.read_text().replace("replicas = 3", "replicas = 1"))
    terminal.type("booty up -d && booty client bus pub orders.new tea --count 10 --ack")
    grow = page.pop(0)[1]
    before, mark, after = grow.partition("# replicas = 3\n")
    assert mark
    terminal.type(before, answer="shop\n")
    file.write_text(file.read_text().replace("replicas = 1", "replicas = 3"))
    terminal.type(after)

    assert "10" in terminal.type("booty client bus streams")
    assert page[0][0] == "toml"
    assert shutil.which("booty", path=terminal.env["PATH"])
