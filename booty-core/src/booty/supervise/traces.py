"""By what the descendants of an instance are known. No text as annotations, see ``run.ended``."""

from typing import NamedTuple

__all__ = ["Trace"]


class Trace(NamedTuple):
    """By what descendants of an instance are known, and how they are asked to end.

    Attributes:
        name: the instance's.
        pid: the session of its own process, which it leads as a rule; ``None`` once the number may
            be another's.
        mark: what stands in their environment, empty if it was never started.
        signal: number of the signal that asks.
        ours: whether what its process leaves becomes a child of guardian or supervisor.
        lock: path of the lock on its data folder, which descendants inherit unless they close it.
    """

    name: str
    pid: int | None
    mark: str
    signal: int
    ours: bool
    lock: str

    def is_of(self, session: int, mark: str, lock: str) -> bool:
        """Tell whether a process with this session, mark and lock comes from it."""
        return session == self.pid or mark == self.mark != "" or lock == self.lock

    @property
    def sessions(self) -> set[int]:
        """The sessions it may lead."""
        return set() if self.pid is None else {self.pid}
