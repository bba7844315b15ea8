"""A name that stands for nothing, and the nearest one that stands for something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["no_such"]


def no_such(name: str, known: Iterable[str], what: str = "service or instance") -> ControlError:
    """Return the fault for a name that is unknown, with the nearest known one as its hint.

    Args:
        name: as it was asked for.
        known: names of services, and of instances where these may be meant too.
        what: what it should have been, in words.
    """
    import difflib

    names = [*dict.fromkeys(known)]
    near = difflib.get_close_matches(name.lower(), names, 1)
    services = ", ".join(one for one in names if "." not in one)
    return ControlError.of(
        f'cannot find "{name}": no such {what}',
        reference="no-service",
        status=3,
        subject=name,
        hint=f'did you mean "{near[0]}"?' if near else f"there is {services or 'none yet'}",
    )
