"""Secrets that are all made are read without what makes them, and are the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from booty import secrets
from booty.secrets.backend import FileBackend

BEGIN = 1_800_000_000.0
DAY = 86_400
NEEDS: list[dict[str, Any]] = [
    {"name": "bus.main", "number": 1, "kind": "password", "forms": ["bcrypt", "url"]},
    {"name": "bus.key", "number": 2, "kind": "key", "forms": []},
    {
        "name": "bus.tls",
        "number": 1,
        "kind": "certificate",
        "forms": ["ca", "cert", "key", "pem-bundle"],
        "hosts": ["localhost", "127.0.0.1"],
    },
]


@pytest.fixture
def kept(tmp_path: Path) -> FileBackend:
    """A backend in which all of them are made."""
    found = FileBackend(tmp_path / "stack")
    secrets.materialise(NEEDS, found, {}, clock=lambda: BEGIN)
    return found


def test_the_same_values(kept: FileBackend) -> None:
    """What is known is what would have been made, of each kind and in each form."""
    made = secrets.materialise(NEEDS, kept, {}, clock=lambda: BEGIN)
    assert secrets.known(NEEDS, kept, BEGIN) == made


@pytest.mark.parametrize(
    "asked",
    [
        {**NEEDS[0], "forms": ["base64"]},
        {**NEEDS[1], "number": 3},
        {**NEEDS[2], "hosts": ["localhost", "10.0.0.7"]},
        {**NEEDS[2], "forms": ["base64"]},
        {"name": "user/api", "number": 1, "kind": "user", "forms": []},
        {"name": "env/HOME", "number": 1, "kind": "env", "forms": []},
    ],
)
def test_one_that_is_not(kept: FileBackend, asked: dict[str, Any]) -> None:
    """A form, a number or a host that is new, and what somebody else gives, is not known."""
    assert secrets.known([*NEEDS, asked], kept, BEGIN) is None


def test_in_time(kept: FileBackend) -> None:
    """A certificate is known while it is good for a month."""
    assert secrets.known(NEEDS, kept, BEGIN + 366 * DAY)
    assert secrets.known(NEEDS, kept, BEGIN + 368 * DAY) is None


def test_without_what_makes_them() -> None:
    """Nothing that makes values is imported."""
    code = "import booty.secrets, sys; sys.exit('booty.secrets.making' in sys.modules)"
    assert not subprocess.run([sys.executable, "-c", code], check=False).returncode
