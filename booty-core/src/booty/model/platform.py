"""What a host is: operating system and processor, in the words that Go releases use."""

from __future__ import annotations

import platform as _platform
import sys
from typing import Final

from attrs import frozen

__all__ = ["COMMON", "Platform"]

_ARCHES: Final = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv7l": "arm",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


@frozen(order=True)
class Platform:
    """Operating system and processor of a host; ``str()`` gives ``linux-amd64``.

    Attributes:
        os: ``linux`` or ``darwin``.
        arch: ``amd64``, ``arm64`` or another of Go's names.
    """

    os: str
    arch: str

    def __str__(self) -> str:
        """``os-arch``."""
        return f"{self.os}-{self.arch}"

    @classmethod
    def current(cls) -> Platform:
        """Return the platform of this interpreter's host."""
        machine = _platform.machine().lower()
        return cls("darwin" if sys.platform == "darwin" else "linux", _ARCHES.get(machine, machine))

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read ``os-arch`` back; a ``ValueError`` tells of a missing dash."""
        os, arch = text.split("-", 1)
        return cls(os, arch)


COMMON: Final = tuple(
    Platform(os, arch) for os in ("darwin", "linux") for arch in ("amd64", "arm64")
)
"""Platforms that a lock is made for wherever a publisher lists them."""
