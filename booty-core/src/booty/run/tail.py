"""Follows growing files; survives truncation, removal, and lines that are no text."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator
from typing import Final

from booty.run.inotify import LOOK

__all__ = ["Tail", "last_lines", "wait_readable"]

CHUNK: Final = 65536
LONGEST: Final = 1 << 20
"""Bytes after which a line is shown though it has not ended."""


class Tail:
    """New lines of one file.

    Args:
        path: the file; need not exist yet.
        offset: where to begin; ``None`` = at its present end.
    """

    def __init__(self, path: str, offset: int | None = None) -> None:
        self.path = path
        self._rest = b""
        self._offset = offset if offset is not None else _size(path)

    def lines(self) -> Iterator[str]:
        """Yield the complete lines that came since the last call."""
        size = _size(self.path)
        if size < self._offset:
            self._offset, self._rest = 0, b""  # truncated: what is there now is new
        if size == self._offset:
            return
        with contextlib.suppress(OSError), open(self.path, "rb") as file:
            file.seek(self._offset)
            while data := file.read(CHUNK):
                self._offset += len(data)
                *whole, self._rest = (self._rest + data).split(b"\n")
                if len(self._rest) > LONGEST:
                    whole, self._rest = [*whole, self._rest], b""
                for line in whole:
                    yield line.decode(errors="replace").rstrip("\r")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def last_lines(path: str, count: int) -> list[str]:
    """Return the last lines of a file, reading from its end."""
    if count <= 0:
        return []
    data = b""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        at = file.seek(0, os.SEEK_END)
        while at and data.count(b"\n") <= count:
            step = min(CHUNK, at)
            at -= step
            file.seek(at)
            data = file.read(step) + data
    return [line.decode(errors="replace") for line in data.splitlines()[-count:]]


def wait_readable(fds: list[int], folder_fd: int | None, timeout: float | None) -> set[int]:
    """Wait until something can be read, or a watched folder changed.

    Args:
        fds: descriptors to wait for.
        folder_fd: descriptor of ``open_inotify``, ``None`` = look every 50 ms.
        timeout: seconds at most, ``None`` = for ever.

    Returns:
        The descriptors that can be read.
    """
    watched = [*fds, *([folder_fd] if folder_fd is not None else [])]
    limit = timeout
    if folder_fd is None:
        limit = LOOK if timeout is None else min(LOOK, timeout)
    readable, _, _ = select.select(watched, [], [], limit)
    if folder_fd in readable:
        with contextlib.suppress(BlockingIOError):
            os.read(int(folder_fd or 0), CHUNK)
    return set(readable) - {folder_fd} if folder_fd is not None else set(readable)
