"""What an instance is doing, how well, how it ended, and what is told about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import Factory, frozen

__all__ = ["Change", "Event", "Exit", "Health", "State"]


class State(StrEnum):
    """The states of an instance, in the words of ``ps`` (docs/explanation/states.md)."""

    ABSENT = "absent"
    FETCHED = "fetched"
    CONFIGURED = "configured"
    STARTING = "starting"
    BOOTSTRAPPING = "bootstrapping"
    READY = "ready"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"
    BACKOFF = "backoff"
    FAILED = "failed"
    DONE = "done"


class Change(StrEnum):
    """What it takes to carry out a change, from nothing to loss of data (:attr:`rank`)."""

    NONE = "none"
    RELOAD = "reload"
    RESTART = "restart"
    MIGRATE = "migrate"
    DESTROYS = "destroys"

    @property
    def rank(self) -> int:
        """0 for ``none`` up to 4 for ``destroys``; the class of several changes is the highest."""
        return list(Change).index(self)


@frozen(kw_only=True)
class Health:
    """One look at an instance; ``None`` means unknown, never unhealthy.

    Attributes:
        alive: the process is there and answers at all.
        ready: it takes work.
        good: it does its job: has a leader, is unsealed, accepts a write.
        reason: one short phrase where something is not as it should be.
    """

    alive: bool | None = None
    ready: bool | None = None
    good: bool | None = None
    reason: str | None = None


@frozen(kw_only=True)
class Exit:
    """How a process ended; all unknown where nobody could reap it.

    Attributes:
        code: exit status, ``None`` if a signal ended it or nobody knows.
        signal: number of the signal that ended it.
        forced: whether booty had to kill it at the end of its grace.
    """

    code: int | None = None
    signal: int | None = None
    forced: bool = False


@frozen(kw_only=True)
class Event:
    """Something that happened, as written to ``events.jsonl`` and given to the ``event`` hook.

    Attributes:
        at: RFC 3339 time in UTC with milliseconds.
        kind: ``state``, ``exit``, ``plan``, ``warning``, …
        instance: whom it is about, ``None`` for the stack.
        detail: what else belongs to this kind; plain JSON, never a secret.
    """

    at: str
    kind: str
    instance: str | None = None
    detail: dict[str, Any] = Factory(dict)
