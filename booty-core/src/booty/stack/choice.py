"""What a command asks of a plan. Cheap to import: a second ``up`` needs no more."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Choice"]


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
