"""Plans on disk: the plan, the run sheet compiled from it, and what they were made from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from booty.errors import ConfigError
from booty.run import whole
from booty.run.digest import sha256
from booty.stack import numbers
from booty.stack.place import Place, read

if TYPE_CHECKING:
    from booty.model.plan import Plan

__all__ = [
    "handed",
    "inputs",
    "latest",
    "latest_data",
    "profiles",
    "remember",
    "save",
    "saved_for",
    "scale_of",
    "scaled",
    "secret_numbers",
    "to_hand_over",
    "without",
]

KEEP: Final = 5
"""Plans that are kept, the newest first."""


def inputs(
    place: Place,
    profiles: Iterable[str],
    before: Mapping[str, Any],
    scale: Mapping[str, Any] | None = None,
) -> str:
    """Return the digest of everything that would go into a plan now.

    Versions of providers are no part of it: a newer one alone never changes what runs.

    Args:
        place: the stack.
        profiles: the profiles that hold.
        before: what was remembered of the newest plan: the variables and env-files that it read.
        scale: the scale that will be saved; by default the one that is.
    """
    from booty import paths
    from booty.config.files import layers

    files = [
        *layers(place.file),
        place.lock,
        paths.config_file(),
        place.state / "state" / "secrets.json",
        *(place.root / name for name in before.get("env_files", ())),
    ]
    more = {
        "env": {name: os.environ.get(name) for name in before.get("env", ())},
        "profiles": list(profiles),
        "scale": scale_of(place) if scale is None else scale,
        "root": str(place.root),
    }
    return _digest(files, more)


def scale_of(place: Place) -> dict[str, Any]:
    """Return the saved scale: ``{"replicas", "file"}`` by service or ``service.role``."""
    return place.stack.get("scale") or {}


def without(place: Place) -> tuple[str, ...]:
    """Return the services that the last ``up`` left out."""
    return tuple(place.stack.get("without") or ())


def scaled(made: Plan) -> dict[str, Any]:
    """Return what a plan says of the scale, as its data has it."""
    return {"scale": made.scale, "services": made.services}


def handed(made: Plan) -> dict[str, Any]:
    """Return what is needed of a plan to hand it over again, as its data has it.

    That is remembered beside its digest: all of a plan of two hundred takes 7 ms to read.
    """
    client = next((name for name, one in made.services.items() if one.get("clients")), "")
    matter = {client, *(name.partition(".")[0] for name in made.scale)}
    services = {
        name: {key: one[key] for key in ("clients", "replicas_asked") if key in one}
        for name, one in made.services.items()
        if name in matter
    }
    return {"secrets": made.secrets, "scale": made.scale, "services": services}


def to_hand_over(place: Place, digest: str) -> dict[str, Any]:
    """Return that of a saved plan; all of it if an older booty has saved it."""
    known = latest(place)
    if known.get("plan") == digest and isinstance(known.get("handed"), dict):
        return dict(known["handed"])
    return latest_data(place, digest) or {}


def _digest(files: Iterable[Path], more: Mapping[str, Any]) -> str:
    found = sha256(json.dumps(more, sort_keys=True).encode())
    for file in files:
        data = file.read_bytes() if file.is_file() else b""
        found.update(f"\0{file}\0{len(data)}\0".encode() + data)
    return str(found.hexdigest())


def saved_for(place: Place, inputs: str) -> str | None:
    """Return the digest of the saved plan that was made from the same inputs."""
    known = read(place.state / "plans" / "latest.json")
    digest = str(known.get("plan", ""))
    if known.get("inputs") != inputs or not (place.state / "plans" / f"{digest}.run.json").exists():
        return None
    return digest


def latest(place: Place) -> dict[str, Any]:
    """Return what is known of the newest plan: ``plan inputs env name ports``; empty if none."""
    return read(place.state / "plans" / "latest.json")


def profiles(place: Place, asked: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the profiles that hold: as asked, else ``BOOTY_PROFILE``, else the running stack's.

    Args:
        place: the stack.
        asked: what the command line or the caller says; ``None`` = nothing.
    """
    from booty.config.files import named_profiles

    if asked is not None:
        return asked
    return named_profiles() or _held_profiles(place)


def _held_profiles(place: Place) -> tuple[str, ...]:
    # none once it was brought down
    running = place.stack.get("desired")
    return tuple(latest(place).get("profiles", ())) if running else ()


def latest_data(place: Place, digest: str | None = None) -> dict[str, Any] | None:
    """Return a saved plan as data: of a digest, else the newest."""
    digest = digest or str(latest(place).get("plan", ""))
    return read(place.state / "plans" / f"{digest}.plan.json") or None if digest else None


def secret_numbers(place: Place) -> dict[str, int]:
    """Return the current rotation number of every secret that was ever rotated."""
    return numbers.secrets(place)


def save(
    place: Place,
    plan: Plan,
    sheet: Mapping[str, Any],
    blobs: Mapping[str, bytes],
    lock: str = "",
) -> str:
    """Write a plan, its sheet, its blobs and its ports.

    Args:
        place: the stack.
        plan: the plan.
        sheet: its run sheet.
        blobs: large files by digest.
        lock: text of the lock that it was made with, kept once the stack is ready; empty = none.

    Returns:
        The plan's digest.

    Raises:
        ConfigError: the disk is full or read-only.
    """
    from booty import plan as planning

    digest = str(sheet["digest"])
    folder = place.state / "plans"
    with _writing(folder):
        (folder / "blobs").mkdir(parents=True, exist_ok=True)
        for name, data in blobs.items():
            whole.replace(folder / "blobs" / name, data)
        whole.replace(folder / f"{digest}.plan.json", planning.to_json(plan))
        whole.replace(folder / f"{digest}.run.json", json.dumps(sheet).encode())
        if lock:
            whole.replace(folder / f"{digest}.lock", lock.encode())
        numbers.save_ports(place, plan.ports)
    _prune(folder, digest)
    return digest


def remember(place: Place, digest: str, known: Mapping[str, Any]) -> None:
    """Write down which plan is the newest, and what it was made from.

    Raises:
        ConfigError: the disk is full or read-only.
    """
    folder = place.state / "plans"
    with _writing(folder):
        whole.replace(folder / "latest.json", whole.pretty({"format": 1, "plan": digest, **known}))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f'cannot write the plan to "{folder}": {error.strerror}',
            reference="plan-unwritable",
            subject=str(folder),
            hint="make room, or make the folder writable",
        ) from error


def _prune(folder: Path, digest: str) -> None:
    running = read(folder.parent / "state" / "stack.json").get("plan")
    plans = sorted(folder.glob("*.run.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in plans[KEEP:]:
        name = file.name.partition(".")[0]
        if name not in {digest, running}:
            file.unlink(missing_ok=True)
            for end in ("plan.json", "lock"):
                (folder / f"{name}.{end}").unlink(missing_ok=True)
