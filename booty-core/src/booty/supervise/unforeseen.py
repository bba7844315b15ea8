"""What nobody foresaw: a fault of ours costs the instance that it is about, and nothing else.

The exception with its traceback goes to ``logs/supervisor.log``. What is told names its type and
place alone: the text of an exception may hold a value that it tripped over.
"""

from __future__ import annotations

import functools
import os
import signal
from typing import TYPE_CHECKING, Any, Final

from booty.run.loop import write_down
from booty.supervise.machine import EDGES
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from booty.run.loop import Future
    from booty.supervise.supervision import Supervision
    from booty.supervise.unit import Unit

    Work = Coroutine[Future[Any], None, None]

__all__ = ["end_by_force", "fault", "guarded", "warned"]

AFTER_KILL: Final = 5.0
"""Seconds that the kernel may take to end what was killed."""


def fault(error: Exception, subject: str | None = None) -> ControlError:
    """Write an exception down, and return it as a fault that can be told.

    Args:
        error: the exception.
        subject: the instance that it is about; ``None`` = a whole change or request.
    """
    write_down(error)
    again = f"booty start {subject}" if subject else "booty up -d"
    about = f' with "{subject}"' if subject else ""
    return ControlError.of(
        f"cannot go on{about}: {_named(error)}",
        reference="unforeseen",
        subject=subject,
        hint=f"a fault of booty's: report it with .booty/logs/supervisor.log; {again} tries again",
    )


def _named(error: Exception) -> str:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return type(error).__name__
    file = os.path.basename(place.tb_frame.f_code.co_filename)
    return f"{type(error).__name__} at {file}:{place.tb_lineno}"


def guarded(life: Callable[[Supervision, Unit], Work]) -> Callable[[Supervision, Unit], Work]:
    """Let what brings an instance up and watches it end in ``failed`` where it ends unforeseen.

    What runs of the instance is ended: nobody would watch it any more.
    """

    @functools.wraps(life)
    async def run(sup: Supervision, unit: Unit) -> None:
        try:
            await life(sup, unit)
        except Exception as error:  # noqa: BLE001 - what was foreseen was caught below
            await _fail(sup, unit, fault(error, unit.name))

    return run


async def _fail(sup: Supervision, unit: Unit, told: ControlError) -> None:
    try:
        await sup.clear(unit)
    except Exception as error:  # noqa: BLE001 - it may be the same fault once more
        write_down(error)
        await end_by_force(sup, unit)
    if "failed" not in EDGES[unit.state]:
        unit.row["state"] = "starting"  # a fault of ours is no reason to stay in any state
    unit.to("failed", told.message)
    sup.failed(unit, told)


async def warned(sup: Supervision, unit: Unit, work: Work, what: str) -> None:
    """Do something beside the life of an instance; that it ended unforeseen is told.

    Args:
        sup: the supervisor.
        unit: the instance.
        work: what is done.
        what: what it is, in words that follow "cannot".
    """
    try:
        await work
    except Exception as error:  # noqa: BLE001 - likewise
        message = f"cannot {what} any more: {fault(error, unit.name).message}"
        sup.journal.tell("warning", unit.name, message=message)


async def end_by_force(sup: Supervision, unit: Unit) -> dict[str, Any] | None:
    """End an instance that cannot be stopped as it ought to be.

    Returns:
        How it ended, as a report of a stop has it; ``None`` if it had no process.
    """
    process, begin = unit.process, sup.loop.now()
    if process is None:
        return None
    process.send_group(signal.SIGKILL)
    process.send(signal.SIGKILL)
    await sup.loop.first(process.gone, timeout=AFTER_KILL)
    ended = await sup.take_exit(unit, forced=True)
    seconds = round(sup.loop.now() - begin, 3)
    row = {"instance": unit.name, "how": "killed", "seconds": seconds, "until": begin}
    return {**row, "code": ended.code, "signal": ended.signal}
