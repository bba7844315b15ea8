"""``scale`` of a running stack: other numbers than the file says, until the file's change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booty.errors import ConflictError
from booty.stack import plans
from booty.stack.choice import Choice
from booty.stack.place import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booty.fetch import Tell
    from booty.stack.choice import Outcome
    from booty.stack.handing import Session
    from booty.stack.place import Place

__all__ = ["scale"]


def scale(
    session: Session,
    asked: Mapping[str, int],
    tell: Tell | None = None,
    *,
    accept: tuple[str, ...] = (),
) -> tuple[Outcome, tuple[str, ...]]:
    """Give services another number of instances than the file says, until the file's changes.

    Args:
        session: a command that changes a running stack.
        asked: replicas by service or ``service.role``.
        tell: told of fetching.
        accept: services whose dangerous changes are accepted.

    Returns:
        What is done, and the names that it is about; none = all.

    Raises:
        BootyError, BootyErrors: the stack is down, a number cannot be, or what ``up`` raises; the
            numbers are as they were.
    """
    if session.running() is None:
        raise _not_running()
    names = _going(session.place, asked)
    without = plans.without(session.place)
    choice = Choice(names=names, without=without, accept=accept, scale=dict(asked))
    return session.up(choice, tell), names


def _not_running() -> ConflictError:
    """Return the fault of a stack that is down."""
    return ConflictError(
        "cannot scale a stack that is not running",
        reference="not-running",
        hint="booty up -d, then scale; or write replicas in booty.toml",
    )


def _going(place: Place, asked: Mapping[str, int]) -> tuple[str, ...]:
    """Return the names that a change of numbers is about: what is up, and what is scaled.

    Returns:
        Services, and instances where only a part of a service is up; none = all of the stack.
    """
    stack = place.stack
    sheet = read(place.state / "plans" / f"{stack.get('plan')}.run.json")
    desired, without = stack.get("desired") or {}, set(stack.get("without") or ())
    scaled = {name.partition(".")[0] for name in asked}
    up: list[str] = []
    rests = False
    for name, one in sheet.get("services", {}).items():
        own = [each for each in one["instances"] if desired.get(each) == "up"]
        whole = len(own) == len(one["instances"]) or name in scaled
        rests = rests or (not whole and name not in without)
        up += [name] if whole else own
    return tuple(up) if rests else ()
