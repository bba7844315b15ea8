"""How many messages are taken ahead: many by a fast consumer, few by a slow one."""

from __future__ import annotations

from attrs import define

__all__ = ["Prefetch"]


@define
class Prefetch:
    """A number that follows the consumer.

    A message that lies here is one that nobody else can take, and its deadline runs. So the number
    doubles when the consumer finds nothing left, and is halved when it takes what has lain here for
    too long.

    Attributes:
        most: never more than so many.
        patience: seconds that a message may lie here.
        size: how many are taken ahead at this moment.
    """

    most: int
    patience: float
    size: int = 1

    def dry(self) -> None:
        """Take note that the consumer found nothing left of a full batch."""
        self.size = min(self.size * 2, self.most)

    def taken(self, age: float) -> None:
        """Take note that a batch's first message was taken after ``age`` seconds."""
        if age > self.patience:
            self.size = max(self.size // 2, 1)
