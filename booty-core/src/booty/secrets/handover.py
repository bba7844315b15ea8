"""Values on their way to the supervisor: a sealed memory file, never a path, never an argument."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping

__all__ = ["to_memfd"]


def to_memfd(values: Mapping[str, str]) -> int:
    """Return a descriptor of a memory file that holds the values and can be changed by nobody.

    Args:
        values: by reference.

    Returns:
        A descriptor at offset 0, for the caller to close; JSON ``{"values": {…}}``. On a system
        without memory files it is an unlinked file of mode 0600.
    """
    data = json.dumps({"values": dict(values)}).encode()
    if not hasattr(os, "memfd_create"):
        return _unlinked(data)
    handle = os.memfd_create("booty-secrets", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    _fill(handle, data)
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
    return handle


def _unlinked(data: bytes) -> int:
    handle, path = tempfile.mkstemp(prefix="booty-")
    os.unlink(path)  # noqa: PTH108 - before a byte is in it
    _fill(handle, data)
    return handle


def _fill(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    os.lseek(handle, 0, os.SEEK_SET)
