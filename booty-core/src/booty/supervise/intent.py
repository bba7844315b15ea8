"""A change that was accepted is written down until it is done: a successor goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty.supervise import sheets
from booty.supervise.closure import closure
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.converging import Convergence
    from booty.supervise.supervisor import Supervisor

__all__ = ["accept", "go_on", "settle"]


def accept(sup: Supervisor, asked: dict[str, Any]) -> None:
    """Write down what a command handed over, before it is told that it was taken.

    Args:
        sup: the supervisor.
        asked: ``plan names keep``, and ``scale`` if the numbers that are saved change with it.
    """
    change = sup.convergence
    if change is None:
        return
    change.accepted = True
    target = {key: asked.get(key) for key in ("plan", "names", "without", "keep", "anew")}
    scale = {} if asked.get("scale") is None else {"scale": dict(asked["scale"])}
    # what is asked to be down from now on is not brought up by a successor
    desired = {**(sup.stack.get("desired") or {}), **dict.fromkeys(change.starts, "up")}
    sup.note(target=target, desired=desired, **scale)


def settle(sup: Supervisor, change: Convergence) -> None:
    """Forget a change that is done; of one that failed remember that it is not."""
    target = sup.stack.get("target")
    if target and change.accepted:
        sup.note(target=None if change.fault is None else {**target, "failed": True})


def go_on(sup: Supervisor) -> bool:
    """Go on with a change that a predecessor was at; tells whether there is one."""
    target, left = sup.stack.get("target") or {}, list(sup.stack.get("rolling") or ())
    if not target or target.get("failed"):
        return False
    try:
        sheet = sheets.read(sup.folder, str(target["plan"]))
        sup.without = set(target["without"] or ())
        wanted = closure(sheet, target["names"], sup.without)
        names = sorted(name for name in wanted if not sup.unwanted(name))
        change = sup.converge(sheet, names, keep=bool(target["keep"]), spans=[], again=left,
                              anew=bool(target.get("anew")))  # fmt: skip
    except ControlError as fault:
        sup.journal.tell("warning", None, message=fault.message)
        return False
    change.accepted = True
    sup.wanted_again = [unit for unit in sup.wanted_again if unit.name not in change.starts]
    return True
