"""SHA-256 without OpenSSL: its library alone takes 4 ms of each command's start."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["sha256"]

PLACES = ("_sha2", "_sha256", "hashlib")
"""Where CPython keeps its own: since 3.12, before it, and what is everywhere."""


def sha256(data: bytes = b"") -> Any:
    """Return a hash object as ``hashlib.sha256`` gives it; for small things.

    Args:
        data: what it begins with.
    """
    for name in PLACES:
        try:
            return importlib.import_module(name).sha256(data)
        except ImportError:  # another version, or built without
            continue
    raise ImportError("sha256")  # pragma: no cover - hashlib has it everywhere
