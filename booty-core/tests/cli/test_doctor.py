"""``booty doctor``: what it says of a place for sockets is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def said(booty: Any, place: Path) -> str:
    """Return the line about the runtime folder."""
    told = booty("doctor", XDG_RUNTIME_DIR=str(place)).stdout.splitlines()
    return next(line for line in told if "runtime-dir: " in line)


def test_sockets(booty: Any, tmp_path: Path) -> None:
    """The first place that can be used is named, and nothing is made there."""
    assert said(booty, tmp_path) == f"     ok  runtime-dir: sockets go below {tmp_path}"
    assert not (tmp_path / "booty").exists()


@pytest.mark.parametrize("place", ["/is-not-there", "/etc/passwd"])
def test_no_place_for_sockets(booty: Any, place: str) -> None:
    """One that cannot be used is passed by, as a start passes it by."""
    line = said(booty, Path(place))

    assert line.startswith("     ok  runtime-dir: sockets go below /")
    assert not line.endswith(place)


def test_one_too_deep_for_sockets(booty: Any, tmp_path: Path) -> None:
    """A folder too deep for a socket is warned of."""
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)

    assert "is too long for a socket; " in said(booty, deep)
