"""How a process ended.

Annotations are no text here: a named tuple has python compile each that is, and the first one takes
a start of watchers more than a millisecond.
"""

import os
from typing import NamedTuple, Self

__all__ = ["Exit"]


class Exit(NamedTuple):
    """How a process ended; all ``None`` where nobody knows.

    Attributes:
        code: exit status, ``None`` if a signal ended it.
        signal: number of the signal that ended it.
    """

    code: int | None = None
    signal: int | None = None

    @classmethod
    def of(cls, status: int) -> Self:
        """Return what a wait status says."""
        if os.WIFSIGNALED(status):
            return cls(None, os.WTERMSIG(status))
        return cls(os.WEXITSTATUS(status), None)
