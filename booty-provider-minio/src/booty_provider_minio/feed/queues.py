"""What a server has not told yet: its queues on disk, and the stream that it tells into."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from booty_provider_minio.feed.bus import waited

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booty_provider_minio.feed.bus import Bus

__all__ = ["Queues"]

LOOK_SECONDS: Final = 0.25
HOLD_SECONDS: Final = 60.0
"""How long a queue that does not get shorter is waited for, while the bus is there."""


class Queues:
    """The queues of the servers of a service.

    Args:
        bus: where they tell.
        folders: of the queues; one that is not there holds nothing.
        raw: the stream that they tell into; empty = they tell the feed itself.
        hold: seconds.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        bus: Bus,
        folders: Sequence[str],
        raw: str,
        hold: float = HOLD_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self._folders = folders
        self._raw = raw
        self._hold = hold
        self._clock = clock

    async def quiet(self) -> None:
        """Wait until all is told that was in a queue before.

        A queue that does not move is waited for in vain: what it holds is told by whoever asks, and
        left out when it comes after all.
        """
        now = time.time()
        await self._until_none(lambda: self._in_folders(now))
        if self._raw:
            last = (await self._bus.state(self._raw)).get("last_seq", 0)
            await self._until_none(lambda: self._in_stream(last))

    async def _until_none(self, count: Callable[[], Awaitable[int]]) -> None:
        before, deadline = -1, 0.0
        while left := await count():
            now = self._clock()
            if left != before or not self._bus.connection.is_connected:
                before, deadline = left, now + self._hold
            if now >= deadline:
                print(f"feed: {left} events are stuck on their way", flush=True)  # noqa: T201 - log
                return
            await waited(LOOK_SECONDS)

    async def _in_folders(self, before: float) -> int:
        from anyio import to_thread

        # there may be a hundred thousand
        return await to_thread.run_sync(_files, self._folders, before)

    async def _in_stream(self, last: int) -> int:
        state = await self._bus.state(self._raw)
        return max(0, last + 1 - state["first_seq"]) if state.get("messages") else 0


def _files(folders: Sequence[str], before: float) -> int:
    return sum(_older(folder, before) for folder in folders)


def _older(folder: str, before: float) -> int:
    count = 0
    try:
        with os.scandir(folder) as found:
            for entry in found:
                with suppress(FileNotFoundError):  # it has been told in this moment
                    count += entry.stat().st_mtime <= before
    except FileNotFoundError:
        return 0
    return count
