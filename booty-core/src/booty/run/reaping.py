"""Children that have ended and that nobody has reaped yet."""

from __future__ import annotations

import os

from booty.run import identity, tree

__all__ = ["ended"]


def ended() -> int | None:
    """Return a child that has ended, without reaping it; ``None`` if there is none.

    While it is not reaped its number is its own, so that the rest of its group can be signalled.
    macOS has had no ``waitid`` in Python before 3.13: there the children are looked at.
    """
    if hasattr(os, "waitid"):
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return None
        return found.si_pid if found is not None else None
    return next(filter(_is_zombie, tree.children(os.getpid())), None)


def _is_zombie(pid: int) -> bool:
    found = identity.stat(pid)
    return found is not None and found.state == "Z"
