"""Programs of our own that watch a stack: each is started by its role and plain JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["command"]


def command(role: str, arguments: dict[str, Any]) -> list[str]:
    """Return the argv of a guardian, supervisor, follower or rotator.

    Args:
        role: ``guardian``, ``supervisor``, ``follower`` or ``rotator``.
        arguments: what it is told; plain JSON, no secrets.
    """
    main = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    # -I and -S: no site packages, no PYTHON* variables; it starts in 15 ms
    return [sys.executable, "-I", "-S", main, role, json.dumps(arguments)]
