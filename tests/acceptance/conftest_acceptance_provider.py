"""A provider that a test writes, as if somebody had installed it."""

from __future__ import annotations

from pathlib import Path


def install(place: Path, name: str, text: str) -> str:
    """Install a provider with this text as its module; returns the folder for PYTHONPATH."""
    info = place / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (place / f"{name}_module.py").write_text(text)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[booty]\n{name} = {name}_module\n")
    return str(place)
