"""Which messages of a subscription may be delivered now, and in which order; kept in memory."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import define

if TYPE_CHECKING:
    from booty.clients.pubsub.message import Outgoing

__all__ = ["Entry", "Lease"]


@define(eq=False)
class Entry:
    """A message in a subscription.

    Attributes:
        number: its place in the topic.
        message: as sent.
        count: deliveries so far.
        due: when it may be delivered (again), seconds of a monotonic clock.
    """

    number: int
    message: Outgoing
    count: int = 0
    due: float = 0.0


class Lease:
    """Hands out messages for a time.

    Of each key only one is out at any time: it may be delivered again, the next one waits until it
    is done.

    Args:
        ack_wait: seconds until a message that is not done comes again.
        entries: what is there already.
    """

    def __init__(self, ack_wait: float, entries: Iterable[Entry] = ()) -> None:
        self.ack_wait = ack_wait
        self._fresh = deque(entries)
        self._out: dict[int, Entry] = {}
        self._heap: list[tuple[float, int]] = []
        """When those that are out come again; a pair that is no longer true is passed over."""
        self._behind: dict[str, deque[Entry]] = {}
        """For each key of which one is out: what waits behind it."""

    def put(self, entry: Entry) -> None:
        """Add a message."""
        self._fresh.append(entry)

    def take(self, limit: int, now: float) -> list[Entry]:
        """Hand out messages: those that come again, then new ones in their order."""
        found: list[Entry] = []
        while len(found) < limit and self.next_due() <= now:
            found.append(self._out[heapq.heappop(self._heap)[1]])
        while len(found) < limit and self._fresh:
            entry = self._fresh.popleft()
            if not self._waits(entry):
                self._out[entry.number] = entry
                found.append(entry)
        for entry in found:
            entry.count += 1
            self._set(entry, now + self.ack_wait)
        return found

    def _waits(self, entry: Entry) -> bool:
        key = entry.message.key
        if not key:
            return False
        if key in self._behind:
            self._behind[key].append(entry)
            return True
        self._behind[key] = deque()
        return False

    def _set(self, entry: Entry, due: float) -> None:
        entry.due = due
        heapq.heappush(self._heap, (due, entry.number))

    def again(self, number: int, due: float, *, unseen: bool = False) -> None:
        """Let a message come again at a time; nothing if it is done.

        Args:
            number: of the message.
            due: when.
            unseen: nobody looked at it, so this was no delivery.
        """
        entry = self._out.get(number)
        if entry is not None:
            entry.count -= unseen
            self._set(entry, due)

    def done(self, number: int) -> bool:
        """Take a message for done; tell whether another one may be delivered by that."""
        entry = self._out.pop(number, None)
        key = entry.message.key if entry else ""
        if not key:
            return False
        if not self._behind[key]:
            del self._behind[key]
            return False
        following = self._behind[key].popleft()
        self._out[following.number] = following
        self._set(following, 0.0)
        return True

    def next_due(self) -> float:
        """Return when the next one comes again; infinite = none does."""
        while self._heap:
            due, number = self._heap[0]
            entry = self._out.get(number)
            if entry is not None and entry.due == due:
                return due
            heapq.heappop(self._heap)
        return float("inf")
