"""The C library of this process, for what python has no word for; a fork has it from its parent."""

from __future__ import annotations

import ctypes
from functools import cache

__all__ = ["libc"]


@cache
def libc() -> ctypes.CDLL:
    """Return the library; what it answers is told apart by :func:`ctypes.get_errno`."""
    return ctypes.CDLL(None, use_errno=True)
