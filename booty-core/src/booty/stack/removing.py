"""Removing what booty made for a stack, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from booty.errors import BootyError, from_data
from booty.stack import ending, identity
from booty.supervise import client, listing, rows, state
from booty.supervise.client import ControlError
from booty.supervise.naming import no_such

if TYPE_CHECKING:
    from booty.stack.place import Place

__all__ = ["MARKER", "remove", "remove_all"]

MARKER: Final = ".booty-data"
"""Stands in every data folder that booty made; names the stack."""
FOLDERS: Final = ("config", "logs", "plans", "state", "traces", "locks", "events.d")
FILES: Final = ("events.jsonl", "id", "plan.lock", "supervisor.lock", ".gitignore")


def remove(place: Place, names: Iterable[str]) -> list[str]:
    """Stop services and remove their data, config, logs and generated secrets.

    Args:
        place: the stack.
        names: services or instances, those among them that are gone from the file.

    Returns:
        The instances.

    Raises:
        ConfigError: a name that is neither.
        BootyError: something cannot be removed.
    """
    chosen = _chosen(place, names)
    with identity.planning_lock(place):
        running = _stop(place, chosen)
        for name in chosen:
            _remove_data(place, name)
            _remove(place.state / "config" / name)
            _unlink(place.state / "logs" / f"{name}.log")
            _remove(place.state / "logs" / f"{name}.d")
        if not running:
            _forget_state(place, chosen)
        for service in sorted({name.partition(".")[0] for name in chosen}):
            _unlink(place.state / "state" / "services" / f"{service}.json")
            _forget_secrets(place, service)
    return chosen


def remove_all(place: Place) -> list[str]:
    """Stop a stack and remove everything that booty made for it, its registry line included.

    Returns:
        The instances whose data was removed.

    Raises:
        BootyError: something cannot be removed.
    """
    if not place.state.is_dir():
        return []
    with identity.planning_lock(place):
        ending.down(place)
        names = sorted(_marked(place))
        for name in names:
            _remove_data(place, name)
        identity.forget(place)
        for folder in FOLDERS:
            _remove(place.state / folder)
        for file in FILES:
            _unlink(place.state / file)
    # what is no work of ours stays, and keeps its folder
    for empty in (place.state / "data", place.state):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()
    return names


def _forget_state(place: Place, chosen: list[str]) -> None:
    try:
        saved = rows.Rows(state.Folder(place.state).instances)
        for name in chosen:
            saved.forget(name)
    except OSError as error:
        raise _cannot(place.state, error) from error


def _chosen(place: Place, names: Iterable[str]) -> list[str]:
    planned = [row["instance"] for row in listing.listing(place.state, "")["services"]]
    known = list(dict.fromkeys([*planned, *sorted(_marked(place))]))
    chosen: list[str] = []
    for name in names:
        own = [one for one in known if one == name or one.startswith(f"{name}.")]
        if not own:
            services = [one.partition(".")[0] for one in known]
            what = "service or instance, and no data of one"
            raise from_data(no_such(name, [*services, *known], what).data)
        chosen += [one for one in own if one not in chosen]
    return chosen


def _marked(place: Place) -> Iterable[str]:
    return [file.parent.name for file in (place.state / "data").glob(f"*/{MARKER}")]


def _stop(place: Place, chosen: list[str]) -> bool:
    # tells whether a supervisor is there; a service gone from the file runs no more
    planned = {row["instance"] for row in listing.listing(place.state, "")["services"]}
    try:
        with client.connect(place.state) as link:
            link.request("stop", names=[name for name in chosen if name in planned])
    except ControlError as error:
        if error.reference != "not-running":
            raise from_data(error.data) from error
        _refuse_unwatched(place, chosen)
        return False
    return True


def _refuse_unwatched(place: Place, chosen: list[str]) -> None:
    alive = [row["instance"] for row in state.read(place.state)["instances"] if row.get("pid")]
    for name in set(alive) & set(chosen):
        raise BootyError(
            f'cannot remove "{name}": it runs, and nobody watches it',
            reference="unwatched",
            subject=name,
            hint="booty up -d, or booty down",
        )


def _remove_data(place: Place, name: str) -> None:
    # only what we made: the marker names the stack
    folder = place.state / "data" / name
    try:
        known: dict[str, Any] = json.loads((folder / MARKER).read_text())
    except (OSError, ValueError):
        return
    if known.get("stack") == place.id:
        _remove(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _cannot(folder, error) from error


def _unlink(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot(file, error) from error


def _cannot(path: Path, error: OSError) -> BootyError:
    return BootyError(
        f'cannot remove "{path}": {error.strerror}',
        reference="cannot-remove",
        subject=str(path),
        hint=f"see who owns it: ls -ld {path}",
    )


def _forget_secrets(place: Place, service: str) -> None:
    from booty import secrets

    kept = secrets.backend("", place.id)
    own = (f"{service}.", f"{service}/")
    kept.delete([key for key in kept.keys() if key.startswith(own)])  # noqa: SIM118 - no mapping
