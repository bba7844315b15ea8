"""How many messages are taken ahead: many by a fast consumer, few by a slow one."""

from __future__ import annotations

from attrs import define

__all__ = ["Prefetch"]


@define
class Prefetch:
    """A number that follows the consumer.

    A message that lies here is one that nobody else can take, and its deadline runs. So there are
    as many as the consumer takes in a short time; the number at most doubles, or halves, at once.

    Attributes:
        most: never more than so many.
        seconds: how long they shall last.
        size: how many are taken ahead at this moment.
        taken: how many the consumer took since the last look.
    """

    most: int
    seconds: float
    size: int = 1
    taken: int = 0
    _since: float = 0.0

    def look(self, now: float) -> int:
        """Return the number for now, after what the consumer did since the last look.

        Args:
            now: seconds of any clock.
        """
        passed, self._since = now - self._since, now
        wanted = self.taken * self.seconds / passed if passed > 0 else float(self.most)
        if self.taken:
            self.size = int(max(self.size / 2, min(self.size * 2, wanted, self.most), 1))
        self.taken = 0
        return self.size
