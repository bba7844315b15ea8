"""Bringing a stack down. Standard library and the supervisor's floor only: ``down`` is quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.errors import StopError, from_data
from booty.stack.parting import LAST_WORDS
from booty.supervise import client, state
from booty.supervise.client import Connection, ControlError

if TYPE_CHECKING:
    from booty.stack.place import Place

__all__ = ["down"]

GONE: Final = frozenset(("not-running", "connection-lost"))


def down(place: Place, timeout: float | None = None) -> list[dict[str, Any]] | None:
    """Stop a stack, supervisor and guardian included; data is kept.

    Args:
        place: the stack.
        timeout: seconds to wait; stopping goes on after them.

    Returns:
        How each instance ended: ``instance how code signal seconds``; ``None`` if none ran.

    Raises:
        StopError: it takes longer than ``timeout``.
    """
    try:
        with client.connect(place.state) as link:
            return _end(place, link, timeout)
    except ControlError as error:
        if error.reference not in GONE:
            raise from_data(error.data) from error
    from booty.stack import removed

    try:
        if link_ := removed.connect(place):
            with link_:
                return _end(place, link_, timeout)
        return _unwatched(place, timeout)
    except ControlError as error:
        raise from_data(error.data) from error


def _end(place: Place, link: Connection, timeout: float | None) -> list[dict[str, Any]]:
    try:
        report: list[dict[str, Any]] = link.request("down", timeout=timeout)["report"]
    except ControlError as error:
        if error.reference != "supervisor-silent":
            raise
        raise StopError(
            f"cannot wait any longer: the stack is not down after {timeout:g} s{_left(place)}",
            reference="down-timeout",
            subject=str(place.root),
            hint="booty down waits again",
        ) from error
    client.wait_until_left(place.state, link, LAST_WORDS)
    return report


def _left(place: Place) -> str:
    rows = state.read(place.state)["instances"]
    names = [str(row["instance"]) for row in rows if row.get("pid")]
    return f": {', '.join(names)} {'runs' if len(names) == 1 else 'run'} still" if names else ""


def _of_a_successor(place: Place, timeout: float | None) -> list[dict[str, Any]] | None:
    # whoever was asked was killed; the next one goes on with the end, unless it is killed too
    try:
        return _unwatched(place, timeout)
    except ControlError as error:
        if error.reference != "connection-lost":
            raise
    return _unwatched(place, timeout)


def _unwatched(place: Place, timeout: float | None) -> list[dict[str, Any]] | None:
    # both watchers were killed: a new supervisor adopts what runs, and stops it
    saved = state.read(place.state)
    stack = saved["stack"]
    if any(row.get("reason") == state.COPY for row in saved["instances"]):
        from booty.stack import identity

        identity.refuse_copy(place)
    if stack is None or not any(row.get("pid") for row in saved["instances"]):
        return None
    from booty import paths
    from booty.stack import surroundings
    from booty.supervise import launch

    start = launch.ensure(
        place.state,
        stack_id=place.id,
        name=stack.get("stack", {}).get("name", place.root.name),
        lifetime=stack.get("lifetime", "outlive-me"),
        environment=stack.get("environment") or surroundings.base_environment(),
        store=stack.get("store") or str(paths.store()),
        root=str(place.root),
    )
    with start.connection() as link:
        return _end(place, link, timeout)
