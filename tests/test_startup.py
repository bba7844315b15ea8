"""Start-up is sacred: what a command imports is held, not how long it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LISTING = """
import json, sys
from booty.__main__ import main
sys.argv = ["booty", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
sys.stderr.write("\\n@" + json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
HEAVY = {
    "aiobotocore", "anyio", "asyncio", "attr", "attrs", "cattrs", "cryptography", "httpx", "nats",
    "packaging", "pip", "platformdirs", "pluggy", "pytest", "rich", "tomlkit",
}  # fmt: skip


def imported(folder: Path, *arguments: str) -> set[str]:
    """Return the top-level modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = json.loads(done.stderr.rpartition("@")[2])
    return set(names)


@pytest.mark.parametrize("command", ["--help", "--version", "ps", "logs", "events"])
def test_looking_imports_click_only(tmp_path: Path, command: str) -> None:
    """Commands that look import click and the standard library, nothing heavy."""
    (tmp_path / "booty.toml").write_text("[stack]\nformat = 1\n")
    (tmp_path / ".booty").mkdir()
    (tmp_path / ".booty/id").write_text('{"format": 1, "id": "known"}')

    assert set() == imported(tmp_path, command) & HEAVY


def test_the_door_is_lazy() -> None:
    """``import booty`` loads nothing but itself."""
    code = "import sys, booty; print([n for n in sys.modules if n.startswith('booty.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
