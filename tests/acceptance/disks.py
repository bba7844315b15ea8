"""Small disks in memory."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["fill", "mount", "unmount"]


def mount(place: Path, options: str) -> None:
    """Mount a small disk in memory; skips where nobody may."""
    place.mkdir(exist_ok=True)
    argv = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(argv, check=False).returncode:
        pytest.skip("only root may mount a small disk")


def unmount(place: Path) -> None:
    """Take it away, whoever uses it still."""
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path, room: int = 0) -> None:
    """Fill a disk up to so many bytes."""
    left = os.statvfs(place)
    (place / "fill").write_bytes(bytes(max(0, left.f_bavail * left.f_frsize - room)))
