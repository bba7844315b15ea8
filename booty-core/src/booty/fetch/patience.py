"""How long servers are waited for, and how often they are asked again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from attrs import evolve, frozen

from booty.errors import FetchError

__all__ = ["Passing", "Patience", "persist"]

_T = TypeVar("_T")
_never: Final = threading.Event()


def _wait(seconds: float) -> None:
    _never.wait(seconds)


class Passing(Exception):  # noqa: N818 - a finding; it never leaves this floor
    """A fault that may be gone at the next try.

    Args:
        fault: what is raised if it is not.
        after: seconds after which the server wants to be asked again.
    """

    def __init__(self, fault: FetchError, after: float = 0.0) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.after = after


@frozen(kw_only=True)
class Patience:
    """How long servers are waited for.

    Attributes:
        tries: times that a file is asked for, without getting on, until it is given up.
        first: seconds of the first pause.
        factor: by which each further pause is longer.
        longest: seconds of the longest pause, whatever a server asks for.
        answer: seconds until the head of an answer must be there.
        silence: seconds without a byte until a server counts as hanging.
        slowest: bytes a second that a server must give, over ``window``.
        window: seconds over which that is measured.
        wait: waits some seconds; by default until ctrl-C, when many are fetched.
        now: the clock, in seconds.
    """

    tries: int = 4
    first: float = 0.5
    factor: float = 3.0
    longest: float = 30.0
    answer: float = 30.0
    silence: float = 30.0
    slowest: int = 1024
    window: float = 30.0
    wait: Callable[[float], None] = _wait
    now: Callable[[], float] = time.monotonic

    def until(self, wait: Callable[[float], None]) -> Patience:
        """Return a patience that waits in another way, unless it has a way of its own."""
        return evolve(self, wait=wait) if self.wait is _wait else self

    def pauses(self) -> Iterator[float]:
        """Return the seconds to wait before each further try."""
        pause = self.first
        for _ in range(self.tries - 1):
            yield min(pause, self.longest)
            pause *= self.factor


def persist(
    act: Callable[[], _T],
    patience: Patience,
    *,
    told: Callable[[str], None],
    moved: Callable[[], bool] = lambda: False,
) -> _T:
    """Do something until it goes well, or does not get on.

    Args:
        act: raises :class:`Passing` where another try may help.
        patience: how often.
        told: told of each further try.
        moved: whether the last try got on; then all tries are there again.

    Raises:
        FetchError: the last fault.
    """
    pauses = patience.pauses()
    while True:
        try:
            return act()
        except Passing as error:
            pauses = patience.pauses() if moved() else pauses
            pause = next(pauses, None)
            if pause is None or error.after > patience.longest:
                raise error.fault from error
            pause = max(pause, error.after)
            told(f"{error.fault.message}; again in {pause:g} s")
            patience.wait(pause)
