"""Files that are written whole or not at all. Standard library alone."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["replace"]


def replace(path: str | os.PathLike[str], data: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step.

    Args:
        path: where; its folder exists.
        data: what.
        mode: permissions of the new file, before the umask.

    Raises:
        OSError: the disk is full, read-only or gone; the old file is as it was, nothing is left.
    """
    folder, name = os.path.split(os.fspath(path))
    staged = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.replace(staged, path)
    except OSError:
        with suppress(OSError):
            os.unlink(staged)
        raise
