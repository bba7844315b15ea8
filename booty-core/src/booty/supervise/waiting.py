"""Waiting until instances have come to a state, on behalf of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booty.supervise import goodness
from booty.supervise.closure import closure
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from booty.supervise.supervisor import Supervisor

__all__ = ["named", "wait"]

WAITS: Final = {
    "started": frozenset({"starting", "bootstrapping", "ready", "degraded", "done"}),
    "ready": frozenset({"ready", "degraded", "done"}),
    "good": frozenset({"ready"}),
    "done": frozenset({"done"}),
    "stopped": frozenset({"stopped", "failed", "done", "absent"}),
}


def named(sup: Supervisor, names: list[str] | None) -> list[str]:
    """Return the instances that services and instances stand for; ``None`` = all.

    Raises:
        ControlError: a name stands for nothing.
    """
    if names is None:
        return list(sup.units)
    if not isinstance(names, list):
        raise TypeError("names are a list")
    found = []
    for name in names:
        own = [u.name for u in sup.units.values() if name in {u.name, u.entry["service"]}]
        if not own:
            closure(sup.sheet, [name], set())  # says what there is
        found += own
    return found


async def wait(sup: Supervisor, names: list[str] | None, wanted: str, limit: float | None) -> None:
    """Wait until instances have come to a state.

    Args:
        sup: the supervisor.
        names: services and instances; ``None`` = all that are to be up.
        wanted: ``started``, ``ready``, ``good``, ``done`` or ``stopped``.
        limit: seconds; ``None`` = as long as it takes.

    Raises:
        ControlError: it took too long, one failed, or a name stands for nothing.
    """
    end = None if limit is None else sup.loop.now() + float(limit)
    left: list[str] = []
    while True:
        if left and _lacks(sup, names, left[0], wanted):
            await _changed(sup, left, wanted, limit, end)
            continue
        own = _awaited(sup, names, wanted)
        left = [name for name in own if not _is(sup, name, wanted)]
        if not left and not _changing(sup, names, [one for one in own if _old(sup, one, wanted)]):
            if sup.last_fault is not None and _concerns(sup.last_fault, names, own):
                raise sup.last_fault  # the change failed before anybody asked
            return
        _refuse_failed(sup, left, wanted)
        if wanted == "good":
            goodness.want(sup, left)
        await _changed(sup, left, wanted, limit, end)


def _lacks(sup: Supervisor, names: list[str] | None, name: str, wanted: str) -> bool:
    # while a change is under way one that is missing is enough to know; hundreds need no look
    asked = wanted != "good" and sup.convergence is not None and name in sup.units
    return asked and (names is not None or sup.wants(name)) and not _is(sup, name, wanted)


async def _changed(
    sup: Supervisor, left: list[str], wanted: str, limit: float | None, end: float | None
) -> None:
    if not await sup.change(None if end is None else max(0.0, end - sup.loop.now())):
        raise ControlError.of(
            f'cannot wait any longer: "{left[0] if left else "the stack"}" is not {wanted}'
            f" after {limit:g} s",
            reference="wait-timeout",
            status=8,
            subject=left[0] if left else None,
            hint="booty ps",
        )


def _changing(sup: Supervisor, names: list[str] | None, own: list[str]) -> bool:
    # what is ready may be about to be restarted, or to be made anew
    change = sup.convergence
    if change is None:
        return False
    return names is None or change.anew or not change.touched.isdisjoint(own)


def _old(sup: Supervisor, name: str, wanted: str) -> bool:
    # one that is starting has been touched: who waits for no more need not wait for the change
    return wanted != "started" or sup.units[name].state not in {"starting", "bootstrapping"}


def _concerns(fault: ControlError, names: list[str] | None, own: list[str]) -> bool:
    return names is None or fault.data.get("subject") in own


def _awaited(sup: Supervisor, names: list[str] | None, wanted: str) -> list[str]:
    own = named(sup, names)
    return [name for name in own if wanted == "stopped" or names or sup.wants(name)]


def _is(sup: Supervisor, name: str, wanted: str) -> bool:
    unit = sup.units[name]
    if wanted == "good" and not (unit.row.get("health") or {}).get("good"):
        return False
    return unit.state in WAITS[wanted]


def _refuse_failed(sup: Supervisor, left: list[str], wanted: str) -> None:
    if wanted == "stopped":
        return
    if sup.convergence is not None:
        return  # it is still ending what it started
    if sup.last_fault is not None:
        raise sup.last_fault
    for name in left:
        unit = sup.units[name]
        if unit.state in {"failed", "stopped"}:
            raise _hopeless(name, unit.state, unit.row["reason"])


def _hopeless(name: str, state: str, reason: str | None) -> ControlError:
    return ControlError.of(
        f'cannot wait for "{name}": it is {state}{f": {reason}" if reason else ""}',
        reference="wait-hopeless",
        status=7,
        subject=name,
        hint=f"booty logs {name}" if state == "failed" else f"booty start {name}",
    )
