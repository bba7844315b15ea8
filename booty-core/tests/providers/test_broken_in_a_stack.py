"""A broken provider fails alone: the rest of the stack is still usable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEXT = """[stack]
format = 1
[services.a]
use = "program"
run = ["sleep", "1000"]
[services.bad]
use = "broken"
[services.b]
use = "program"
run = ["sleep", "1000"]
needs = ["bad"]
"""


def install_broken(place: Path) -> str:
    """Install a provider that cannot be imported; returns the folder for PYTHONPATH."""
    (place / "broken_module.py").write_text("raise RuntimeError('no luck')\n")
    info = place / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[booty]\nbroken = broken_module\n")
    return str(place)


def test_the_rest_goes_on(booty: Any, root: Path, tmp_path: Path) -> None:
    """``up`` of all is refused and starts nothing; parts, ``--without`` and looking work."""
    (root / "booty.toml").write_text(TEXT)
    packages = tmp_path / "packages"
    packages.mkdir()
    path = install_broken(packages)
    refused = booty("up", "-d", status=4, PYTHONPATH=path)
    nothing = json.loads(booty("ps", "--json").stdout)["services"]
    booty("up", "-d", "a", PYTHONPATH=path)
    part = json.loads(booty("ps", "--json").stdout)["services"]
    booty("up", "-d", "--without", "bad", "--without", "b", PYTHONPATH=path)

    assert "provider-broken" in refused.stderr
    assert nothing == []
    assert [(row["instance"], row["state"]) for row in part] == [("a.0", "ready")]
    assert "broken" in booty("providers", PYTHONPATH=path).stdout
