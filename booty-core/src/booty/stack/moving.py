"""Changes that move or lose data: carried out by the provider's ``migrate``, else refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booty.errors import BootyError, ConfigError, raise_all
from booty.model import codec
from booty.model.reference import fill
from booty.model.state import Change
from booty.stack import resolve
from booty.stack.asking import ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from booty.model.plan import Plan, Step
    from booty.stack.place import Place

__all__ = ["settle"]

LIMIT: Final = 3600.0
"""Seconds that moving the data of one service may take."""


def settle(place: Place, made: Plan, accepted: Iterable[str]) -> None:
    """Have the providers carry out what moves or loses data; refuse what none of them can.

    Args:
        place: the stack.
        made: the new plan.
        accepted: services and instances whose change the user accepts as it is.

    Raises:
        ConfigError: with the provider's way to do it by hand, else the way to accept it.
        BootyErrors: several of these.
    """
    faults: list[BootyError] = []
    taken = set(accepted)
    dangerous = {
        step.subject.partition(".")[0]: step
        for step in made.steps
        if step.change.rank >= Change.MIGRATE.rank
        and not {step.subject, step.subject.partition(".")[0]} & taken
    }
    for name, step in dangerous.items():
        try:
            if not _carried_out(place, made, name):
                faults.append(_refused(name, step))
        except BootyError as error:
            faults.append(error)
    raise_all(faults)


def _refused(name: str, step: Step) -> ConfigError:
    means = "destroys data" if step.change is Change.DESTROYS else "needs its data to be moved"
    return ConfigError(
        f'cannot change "{step.subject}" just so: {step.reason}, which {means}',
        reference=f"change-{step.change}",
        subject=f"services.{name}",
        hint=f"take the change back, or booty up --accept {name}",
    )


def _carried_out(place: Place, made: Plan, name: str) -> bool:
    if not any((place.state / "data").glob(f"{name}.*")):
        return True  # nothing is there that could be lost
    before, after = resolve.plan_data(place), codec.to_data(made)
    own = after["services"][name]
    if "migrate" not in own["hooks"]:
        return False
    old, new = _service(place, before, name), _service(place, after, name)
    log = place.state / "logs" / "supervisor.log"
    ask(str(own["provider"]), "migrate", limit=LIMIT, log=log, service=new, old=old, new=new)
    return True


def _service(place: Place, data: Mapping[str, Any], name: str) -> dict[str, Any]:
    own = [one["instance"] for one in data["instances"] if one["instance"]["service"] == name]
    found = [fill(one, resolve.lookup(place, data, str(one["name"]))) for one in own]
    return {"name": name, "instances": found}
