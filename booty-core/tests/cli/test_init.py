"""``booty init`` writes what was asked for, and nothing over anything."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def written(root: Path) -> dict[str, Any]:
    """Read the file that was written."""
    return tomllib.loads((root / "booty.toml").read_text())


def test_named_providers_only(booty: Any, root: Path) -> None:
    """One service for each provider that is named, once."""
    booty("init", "nats", "nats", "--name", "shop")

    file = written(root)
    assert file["stack"]["name"] == "shop"
    assert list(file["services"]) == ["bus"]
    assert booty("plan", "--json").returncode == 0


def test_all_that_are_installed(booty: Any, root: Path) -> None:
    """Without names every provider has its service; the built-in ones have none."""
    booty("init")

    uses = {one["use"] for one in written(root)["services"].values()}
    assert "nats" in uses
    assert uses.isdisjoint({"program", "external"})


def test_a_provider_that_is_not_there(booty: Any, root: Path) -> None:
    """It is told what to install, and nothing is written."""
    said = booty("init", "nats", "nets", status=4).stderr

    assert "nets" in said
    assert not (root / "booty.toml").exists()


def test_a_file_that_is_there(booty: Any, root: Path) -> None:
    """It is left as it is."""
    (root / "booty.toml").write_text("# mine\n")

    assert "it is there already" in booty("init", status=10).stderr
    assert (root / "booty.toml").read_text() == "# mine\n"
