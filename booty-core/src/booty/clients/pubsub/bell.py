"""Wake those who wait for messages in other processes: a named pipe for each.

A sender opens the pipes of all who wait while it holds the topic's lock, and closes them when its
messages are there. A sender that is killed in between closes them, too: the kernel does it, and a
closed pipe wakes its reader. So nobody looks from time to time, and nobody sleeps beside a message.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from typing import Final

__all__ = ["Bell", "pulled"]

_CHUNK: Final = 4096
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC


class Bell:
    """The pipe of somebody who waits; it is made while the topic's lock is held.

    Args:
        folder: where the bells of a topic hang.

    Raises:
        OSError: the folder cannot be written to.
    """

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._path = f"{folder}/{os.getpid()}-{uuid.uuid4().hex[:8]}"
        os.mkfifo(self._path, 0o600)
        self.fd = os.open(self._path, _READ)

    def hush(self) -> int:
        """Take note that it rang; return the descriptor to watch from now on."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, _CHUNK):
                pass
            # nobody holds it open any more, and this descriptor would stay readable for ever; a
            # sender that came after the last look has it open by its name, so that rings again
            fresh = os.open(self._path, _READ)
            os.close(self.fd)
            self.fd = fresh
        return self.fd

    def close(self) -> None:
        """Take it down."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        os.close(self.fd)


@contextlib.contextmanager
def pulled(folder: str) -> Iterator[None]:
    """Ring every bell of a folder at the end of the block, or at the end of this process.

    The topic's lock is held meanwhile: who hangs up a bell afterwards sees what was done.
    """
    bells = [fd for name in _names(folder) if (fd := _pull(f"{folder}/{name}")) is not None]
    try:
        yield
    finally:
        for fd in bells:
            with contextlib.suppress(OSError):
                os.write(fd, b"!")
            os.close(fd)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _pull(path: str) -> int | None:
    try:
        return os.open(path, _WRITE)
    except OSError:  # nobody reads it: whoever hung it up was killed
        with contextlib.suppress(OSError):
            os.unlink(path)
        return None
