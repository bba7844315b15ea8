"""The claim of an instance on its data folder: taken before anything works on it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from booty.run.claim import CHILD_FD, Claim, HeldError
from booty.run.ports import command_of
from booty.supervise import files, remains
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.holdings import Holdings
    from booty.supervise.unit import Unit

__all__ = ["claim", "shared"]

WAIT: Final = 2.0
"""Seconds that what ran before may take to let go; what was killed is gone much sooner."""
LOOK: Final = 0.02
"""Seconds between looks at a folder that is held: a lock of somebody else tells nobody."""
_UNLOCKABLE: Final = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS))


async def claim(sup: Holdings, unit: Unit) -> None:
    """Lock the data folder of an instance that is about to be started.

    Raises:
        ControlError: somebody else runs on it (``data-held``, 10).
        OSError: it cannot be opened.
    """
    unit.let_go()
    asked = False
    end = sup.loop.now() + WAIT + _preparing(sup, unit)
    while unit.claim is None:
        try:
            unit.claim = Claim(sup.values.data(unit.name))
        except HeldError as held:
            if not asked and _is_own(sup, unit, held):
                asked = True
                await remains.end_holders(sup, unit)
                end = max(end, sup.loop.now() + WAIT)
                continue
            if sup.loop.now() >= end:
                raise _fault(unit, held) from held
            await sup.loop.sleep(LOOK)
        except OSError as error:
            if error.errno not in _UNLOCKABLE:
                raise
            why = f'the data folder of "{unit.name}" is where nothing can be locked'
            sup.journal.tell("warning", unit.name, message=why)
            return


def _is_own(sup: Holdings, unit: Unit, held: HeldError) -> bool:
    # what this very instance has started before, and no longer is
    about = held.owner.get("stack"), held.owner.get("instance")
    return about == (sup.stack_id, unit.name) and not _preparing(sup, unit)


def _preparing(sup: Holdings, unit: Unit) -> float:
    # a predecessor may have been killed while it prepared the folder; that goes to its end
    if not unit.entry["prepare"] or files.marker(unit.name, sup.values).get("prepared"):
        return 0.0
    return float(unit.entry["prepare"]["timeout"])


def _fault(unit: Unit, held: HeldError) -> ControlError:
    pids = ", ".join(f'pid {pid} "{command_of(pid)}"' for pid in held.pids)
    whose = f' ("{held.owner["instance"]}" of {held.owner["root"]})' if held.owner else ""
    hint = f"kill {held.pids[0]}" if held.pids else f"look who uses the data of {unit.name}"
    if held.owner:
        hint = f"booty --stack {held.owner['root']} down, or {hint}"
    return ControlError.of(
        f'cannot start "{unit.name}": its data folder is held by'
        f" {pids or 'a process that cannot be seen'}{whose}",
        reference="data-held",
        status=10,
        subject=unit.name,
        hint=hint,
    )


def shared(sup: Holdings, unit: Unit) -> dict[int, int]:
    """Return the descriptors by which an instance's program holds its data folder."""
    if unit.claim is None:
        return {}
    owner: dict[str, Any] = {"stack": sup.stack_id, "root": sup.values.root, "instance": unit.name}
    try:
        return {CHILD_FD: unit.claim.settle(owner)}
    except HeldError as held:
        raise _fault(unit, held) from held
