"""Files that are written whole or not at all. Standard library alone."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["contents", "flush", "flush_file", "flush_folder", "pretty", "replace"]


_SMALL: Final = 4096
"""Bytes that are asked for of a file that tells no size: a line of the process table."""


def pretty(data: Mapping[str, Any]) -> bytes:
    """Return an object as JSON that people can read, keys sorted."""
    return f"{json.dumps(data, indent=1, sort_keys=True)}\n".encode()


def contents(path: str) -> bytes:
    """Return what is in a file; a file object would ask the kernel nine times for three answers.

    Raises:
        OSError: it cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = max(os.fstat(fd).st_size, _SMALL)
        data = os.read(fd, size + 1)
        while len(data) > size and (more := os.read(fd, size)):  # it grows meanwhile
            data += more
        return data
    finally:
        os.close(fd)


def flush(fd: int) -> None:
    """Have a file's content survive a loss of power.

    Args:
        fd: a descriptor of it. On macOS, where fsync stops at the drive's cache, the drive is told.

    Raises:
        OSError: it cannot be written.
    """
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        with contextlib.suppress(OSError):  # a file system that lacks it
            fcntl.fcntl(fd, full)
            return
    os.fsync(fd)


def flush_file(path: str) -> None:
    """Have a file that was replaced survive a loss of power, its name included.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be written.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flush(fd)
    finally:
        os.close(fd)
    flush_folder(os.path.dirname(path))


def flush_folder(path: str | os.PathLike[str]) -> None:
    """Have the names in a folder survive a loss of power: a rename is one of them.

    Args:
        path: the folder. Where folders cannot be flushed nothing happens.
    """
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flush(fd)
        finally:
            os.close(fd)


def replace(
    path: str | os.PathLike[str], data: bytes, mode: int = 0o600, *, sync: bool = False
) -> None:
    """Replace a file in one step.

    Args:
        path: where; its folder exists.
        data: what.
        mode: permissions of the new file, before the umask.
        sync: whether it must survive a loss of power, its name included.

    Raises:
        OSError: the disk is full, read-only or gone; the old file is as it was, nothing is left.
    """
    folder, name = os.path.split(os.fspath(path))
    staged = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            if sync:
                stream.flush()
                flush(handle)
        os.replace(staged, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(staged)
        raise
    if sync:
        flush_folder(folder or ".")
