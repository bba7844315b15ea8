"""Nothing is started, saved or stopped for a start that cannot be: programs are looked at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booty import paths
from booty.errors import BootyError, from_data, raise_all
from booty.run import locks
from booty.stack import surroundings
from booty.supervise import state
from booty.supervise.change import UP
from booty.supervise.closure import closure
from booty.supervise.fill import Values
from booty.supervise.fitness import unfit
from booty.supervise.wire import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booty.stack.choice import Choice
    from booty.stack.place import Place

__all__ = ["refuse_unfit"]


def refuse_unfit(
    place: Place, sheet: Mapping[str, Any], choice: Choice, profiles: Sequence[str]
) -> None:
    """Refuse a run sheet some of whose programs cannot be executed here.

    What runs already as the sheet has it is not looked at, nor what is not asked for.

    Args:
        place: the stack.
        sheet: the run sheet that is about to be handed over.
        choice: what is asked.
        profiles: the profiles that hold, to name the place in the file.

    Raises:
        StartError: a program, its working folder or its input is missing or of no use here.
        BootyErrors: several are.
    """
    faults = [*_faults(place, sheet, choice)]
    raise_all([_placed(place, profiles, key, fault) for key, fault in faults] if faults else [])


def _faults(
    place: Place, sheet: Mapping[str, Any], choice: Choice
) -> list[tuple[str, ControlError]]:
    entries = {entry["name"]: entry for entry in sheet["instances"]}
    try:
        wanted = closure(dict(sheet), choice.names or None, set(choice.without))
    except ControlError:
        return []  # a name that is none; the supervisor says which there are
    # what runs is read where it matters: of two hundred it takes longer than to look at them
    tasks = any(entry["kind"] == "task" for entry in sheet["instances"])
    done = (
        {name for name, row in _rows(place).items() if row.get("state") == "done"} if tasks else ()
    )
    values = Values(str(place.root), str(place.state), "", str(paths.store()))
    found = [*unfit(entries, sorted(wanted), values, _environment(place), done)]
    rows = _rows(place) if found else {}
    return [one for one in found if not _runs(rows, entries[str(one[1].data["subject"])])]


def _rows(place: Place) -> dict[str, dict[str, Any]]:
    return {row["instance"]: row for row in state.read(place.state)["instances"]}


def _runs(rows: Mapping[str, Mapping[str, Any]], entry: Mapping[str, Any]) -> bool:
    row = rows.get(entry["name"])
    return row is not None and row.get("state") in UP and row.get("digest") == entry["digest"]


def _environment(place: Place) -> dict[str, str]:
    # a supervisor that runs keeps the environment that it was started with
    if locks.held(str(place.state / "supervisor.lock")):
        kept = place.stack.get("environment")
        if isinstance(kept, dict):
            return kept
    return surroundings.base_environment()


def _placed(place: Place, profiles: Sequence[str], key: str, fault: ControlError) -> BootyError:
    from booty import config

    found = from_data(fault.data)
    service = str(found.subject).partition(".")[0]
    try:
        spec = config.load(place.file, profiles=profiles)
    except BootyError:
        return found
    return config.placed(found, spec, f"services.{service}.{key}")
