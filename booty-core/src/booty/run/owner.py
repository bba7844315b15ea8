"""Which stack of which folder a process belongs to: its program holds the lock of its data."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any, Final

from booty.run import identity
from booty.run.claim import CHILD_FD, NAME

__all__ = ["of", "told"]

ABOVE: Final = 16
"""Ancestors that are looked at."""


def of(pid: int) -> dict[str, Any]:
    """Return who started a process: ``stack root instance``; empty if no stack of this user did.

    A program may close what it was given, its children may not have got it: then whoever it
    descends from is asked.
    """
    for one in _upward(pid):
        if found := _holds(one):
            return found
    return {}


def told(pid: int) -> str:
    """Return the same as words that follow the name of a process, with a blank before them."""
    found = of(pid)
    return f" ({found['instance']} of {found['root']})" if found else ""


def _upward(pid: int) -> Iterator[int]:
    for _ in range(ABOVE):
        yield pid
        line = identity.stat(pid)
        if line is None or line.ppid <= 1:
            return
        if line.sid not in {0, pid}:
            yield line.sid
        pid = line.ppid


def _holds(pid: int) -> dict[str, Any]:
    return _claims(pid) or _watches(pid)


def _claims(pid: int) -> dict[str, Any]:
    path = f"/proc/{pid}/fd/{CHILD_FD}"
    with contextlib.suppress(OSError, ValueError):
        if os.path.basename(os.readlink(path)) == NAME:
            with open(path, "rb") as file:
                found = json.loads(file.read())
            if isinstance(found, dict) and {"root", "instance"} <= found.keys():
                return found
    return {}


def _watches(pid: int) -> dict[str, Any]:
    # guardian and supervisor are told the state folder; they hold the sockets they hand over
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        words = identity.command_line(pid)
        if words[-2:-1] in ([b"guardian"], [b"supervisor"]):
            folder = os.fspath(json.loads(words[-1])["state"])
            with open(f"{folder}/state/stack.json", "rb") as file:
                root = json.loads(file.read())["root"]
            return {"root": root, "instance": "the supervisor"}
    return {}
