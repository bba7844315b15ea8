"""A change that was accepted is written down until it is done: a successor goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booty.supervise.converging import Convergence
    from booty.supervise.holdings import Holdings

__all__ = ["accept", "settle"]


def accept(sup: Holdings, change: Convergence, asked: dict[str, Any]) -> None:
    """Write down what a command handed over, before it is told that it was taken.

    Args:
        sup: the supervisor.
        change: the change that it asked for.
        asked: ``plan names keep``, and ``scale`` if the numbers that are saved change with it.
    """
    change.accepted = True
    target = {key: asked.get(key) for key in ("plan", "names", "without", "keep", "anew")}
    scale = {} if asked.get("scale") is None else {"scale": dict(asked["scale"])}
    # what is asked to be down from now on is not brought up by a successor
    desired = {**(sup.stack.get("desired") or {}), **dict.fromkeys(change.starts, "up")}
    sup.note(target=target, desired=desired, **scale)


def settle(sup: Holdings, change: Convergence) -> None:
    """Forget a change that is done; of one that failed remember that it is not."""
    target = sup.stack.get("target")
    if target and change.accepted:
        sup.note(target=None if change.fault is None else {**target, "failed": True})
