"""The order of keys: JetStream keeps that of a stream, and loses it with what comes again."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from booty import clients

__all__ = ["Lanes"]


@define(eq=False)
class _Lane:
    out: int
    until: float
    waiting: list[int] = field(factory=list)


class Lanes:
    """Lets one message of each key out at any time; the others wait here, in their order."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._held: dict[int, clients.Delivery] = {}

    @property
    def held(self) -> list[clients.Delivery]:
        """What waits."""
        return list(self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def admit(self, number: int, delivery: clients.Delivery, until: float) -> bool:
        """Tell whether a message may go out; else it is kept here.

        Args:
            number: its place in the stream.
            delivery: the message.
            until: when somebody else has it, by the clock of its deadline.
        """
        lane = self._lanes.get(delivery.key)
        if lane is None or lane.out == number:
            self._lanes[delivery.key] = _Lane(number, until, lane.waiting if lane else [])
            return True
        if number not in self._held:
            heapq.heappush(lane.waiting, number)
        self._held[number] = delivery  # delivered again meanwhile: the newer one is to be answered
        return False

    def done(self, number: int, key: str, until: float) -> clients.Delivery | None:
        """Take note that a message is done; return the one that may go out now, until then."""
        lane = self._lanes.get(key)
        if lane is None or lane.out != number:
            return None
        if not lane.waiting:
            del self._lanes[key]
            return None
        following = heapq.heappop(lane.waiting)
        delivery = self._held.pop(following)
        lane.out, lane.until = following, until
        return delivery

    def keep(self, number: int, key: str, until: float) -> None:
        """Let a lane wait for its message: it was given back, or is still being worked on."""
        lane = self._lanes.get(key)
        if lane is not None and lane.out == number:
            lane.until = until

    def overdue(self, now: float, until: float) -> list[clients.Delivery]:
        """Let out what waits behind messages that somebody else has by now."""
        late = [(lane.out, key) for key, lane in self._lanes.items() if lane.until <= now]
        following = [self.done(number, key, until) for number, key in late]
        return [one for one in following if one is not None]
