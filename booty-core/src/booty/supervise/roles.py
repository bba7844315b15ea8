"""Programs of our own that watch a stack: each is started by its role and plain JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from booty.run import identity

__all__ = ["command", "plays"]


def command(role: str, arguments: dict[str, Any]) -> list[str]:
    """Return the argv of a guardian, supervisor, follower or rotator.

    Args:
        role: ``guardian``, ``supervisor``, ``follower`` or ``rotator``.
        arguments: what it is told; plain JSON, no secrets.
    """
    main = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    # -I and -S: no site packages, no PYTHON* variables; it starts in 15 ms
    return [sys.executable, "-I", "-S", main, role, json.dumps(arguments)]


def plays(pid: int) -> bool:
    """Tell whether a process is one of ours, of whatever version."""
    end = b"/supervise/__main__.py"
    return any(word.endswith(end) for word in identity.command_line(pid))
