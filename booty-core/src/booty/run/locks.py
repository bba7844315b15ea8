"""File locks that belong to an open file description, shared by who inherits it."""

from __future__ import annotations

import fcntl
import os

__all__ = ["held", "take"]


def take(path: str) -> int | None:
    """Take a lock file, without waiting.

    Args:
        path: the lock file; made with mode 0600 if absent.

    Returns:
        A descriptor that holds the lock until it, and every copy of it, is closed; ``None`` if
        somebody else holds the lock.

    Raises:
        OSError: the file cannot be made or opened.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def held(path: str) -> bool:
    """Tell whether somebody holds a lock file; writes nothing, a missing file is free."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
