"""What a command asks of a plan, and what came of it: a second ``up`` imports little more.

Annotations are no text here, see :mod:`booty.run.ended`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["Choice", "Outcome"]


class Choice(NamedTuple):
    """What a command asks of a plan.

    Attributes:
        names: services or instances wanted; empty = all.
        without: services left out.
        profiles: profiles laid over the file; ``None`` = those of
            ``BOOTY_PROFILE``, else of the running stack.
        accept: services whose dangerous changes are accepted.
        reallocate: whether saved ports of what does not run are given up for new ones.
        frozen: whether booty.lock may not have to change.
        bundle: path of a bundle that takes the place of every network; empty = none.
        scale: replicas by service or ``service.role``, over what the file says.
    """

    names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    profiles: tuple[str, ...] | None = None
    accept: tuple[str, ...] = ()
    reallocate: bool = False
    frozen: bool = False
    bundle: str = ""
    scale: Mapping[str, int] = MappingProxyType({})


class Outcome(NamedTuple):
    """What a hand-over did.

    Attributes:
        changes: ``{"instance", "action", "reason"}`` for what is done about each.
        warnings: things to tell.
        nothing: whether everything was as it should be already.
        left_out: services of broken providers, with the reason.
        stale: providers whose installed version is another than the plan's.
    """

    changes: list[dict[str, Any]]
    warnings: tuple[str, ...] = ()
    nothing: bool = False
    left_out: dict[str, str] = {}  # noqa: RUF012 - never written to
    stale: tuple[str, ...] = ()
