"""A provider that a test writes, as if somebody had installed it."""

from __future__ import annotations

import sysconfig
import venv
from pathlib import Path


def install(place: Path, name: str, text: str) -> str:
    """Install a provider with this text as its module; returns the folder for PYTHONPATH."""
    info = place / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (place / f"{name}_module.py").write_text(text)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[booty]\n{name} = {name}_module\n")
    return str(place)


def installed(place: Path, name: str, text: str) -> list[str]:
    """Install a provider into an environment of its own, with the booty of the tests.

    Workers see it too, who get none of the shell's variables. Returns the command.
    """
    venv.create(place, symlinks=True)
    packages = next(place.glob("lib/python*/site-packages"))
    own = sysconfig.get_path("purelib")
    (packages / "booty.pth").write_text(f"import site; site.addsitedir({own!r})\n")
    install(packages, name, text)
    return [str(place / "bin/python"), "-m", "booty"]
