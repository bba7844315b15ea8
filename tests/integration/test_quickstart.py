"""The quickstart as a user runs it: orders go in over HTTP and come out written down."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.slow]

PATIENCE = 30.0


@pytest.fixture
def env(clean_env: dict[str, str], programs: Path) -> dict[str, str]:
    """A home of its own, with a store that tests share, and this interpreter first on PATH."""
    home = Path(clean_env["BOOTY_HOME"])
    home.mkdir()
    (home / "store").symlink_to(programs)
    path = f"{Path(sys.executable).parent}{os.pathsep}{clean_env['PATH']}"
    return {**clean_env, "PATH": path}


def booty(root: Path, env: dict[str, str], *arguments: str) -> str:
    """Run the command in the copy of the quickstart."""
    argv = [sys.executable, "-m", "booty", *arguments]
    done = subprocess.run(
        argv, cwd=root, env=env, check=False, capture_output=True, text=True, timeout=120
    )
    if "cannot be had" in done.stderr or "cannot fetch" in done.stderr:
        pytest.skip(f"nats-server cannot be had here: {done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def quickstart(workspace: Path, tmp_path: Path, env: dict[str, str]) -> Iterator[Path]:
    """A copy of the quickstart that is up."""
    root = tmp_path / "quickstart"
    source = workspace / "examples" / "quickstart"
    shutil.copytree(source, root, ignore=shutil.ignore_patterns(".booty", "__pycache__"))
    booty(root, env, "up", "-d")
    yield root
    booty(root, env, "down")


def services(root: Path, env: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What ``ps --json`` says, by service."""
    return {one["name"]: one for one in json.loads(booty(root, env, "ps", "--json"))["services"]}


def order(url: str, item: str) -> dict[str, Any]:
    """Post an order as a program does."""
    data = json.dumps({"item": item, "count": 2}).encode()
    with urllib.request.urlopen(f"{url}/orders", data=data, timeout=PATIENCE) as answer:
        assert answer.status == 201
        made: dict[str, Any] = json.load(answer)
        return made


def written(file: Path, count: int) -> list[dict[str, Any]]:
    """Wait until so many orders are written down."""
    never, end = threading.Event(), time.monotonic() + PATIENCE
    while not file.exists() or len(lines := file.read_text().splitlines()) < count:
        assert time.monotonic() < end, "the orders were not written down"
        never.wait(0.02)
    return [json.loads(line) for line in lines]


def test_orders_are_written_down(quickstart: Path, env: dict[str, str]) -> None:
    """Orders taken while the writer is away are written down once, in order, when it is back."""
    found = services(quickstart, env)
    url = found["orders"]["urls"]["http"]
    file = quickstart / ".booty" / "data" / "writer.0" / "orders.jsonl"

    assert {one["state"] for one in found.values()} == {"ready"}
    order(url, "coffee")
    written(file, 1)
    booty(quickstart, env, "stop", "writer")
    for item in ("tea", "milk <b>"):
        order(url, item)
    booty(quickstart, env, "start", "writer")
    lines = written(file, 3)

    assert [one["item"] for one in lines] == ["coffee", "tea", "milk <b>"]
    assert [one["number"] for one in lines] == [1, 2, 3]
    with urllib.request.urlopen(url, timeout=PATIENCE) as page:
        assert "milk &lt;b&gt;" in page.read().decode()


def test_second_up_has_nothing_to_do(quickstart: Path, env: dict[str, str]) -> None:
    """Up again touches nothing, and every program ends well when it is asked to."""
    before = {name: one["pid"] for name, one in services(quickstart, env).items()}
    booty(quickstart, env, "up", "-d")

    assert {name: one["pid"] for name, one in services(quickstart, env).items()} == before
    booty(quickstart, env, "down")
    for log in (quickstart / ".booty" / "logs").glob("[ow]*.log"):
        assert re.search(r"^closed$", log.read_text(), re.MULTILINE)
