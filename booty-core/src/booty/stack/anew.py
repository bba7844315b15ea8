"""A new plan: providers asked, programs fetched, decided, settled, saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from booty.stack import identity, moving, plans, replicas
from booty.stack.fit import refuse_unfit

if TYPE_CHECKING:
    from booty.stack.planning import Planned, Planning

__all__ = ["make_and_save"]


def _decided(planning: Planning) -> Planned:
    place, choice = planning.place, planning.choice
    prepared = planning.prepare()
    with identity.port_lease():
        made = planning.decide(prepared)
        former = identity.register(place, str(made.known["name"]), dict(made.plan.ports))
    try:  # the numbers are ours already: data may take an hour to move, and others go on
        moving.settle(place, made.plan, choice.accept)
        refuse_unfit(place, made.sheet, choice, planning.profiles)
    except BaseException:
        identity.register_again(place, former)
        raise
    return made


def make_and_save(planning: Planning) -> tuple[Planned, str]:
    """Plan, and save plan, lock, ports and registry line.

    Returns:
        The plan and its digest.

    Raises:
        BootyError, BootyErrors: whatever is wrong; nothing was saved.
    """
    place = planning.place
    made = _decided(planning)
    made.lock.write(place.lock)
    # the lock is an input too, and has just been written
    inputs = planning.inputs(made.known, replicas.kept(plans.scaled(made.plan)))
    text = made.lock.text() if made.lock.programs else ""
    digest = plans.save(place, evolve(made.plan, inputs=inputs), made.sheet, made.blobs, text)
    known = {**made.known, "inputs": inputs, "handed": plans.handed(made.plan)}
    plans.remember(place, digest, known)
    return made, digest
