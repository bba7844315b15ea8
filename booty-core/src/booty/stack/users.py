"""Which programs of the store are in use: by which stacks, and by what runs now."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from booty.errors import ConfigError
from booty.fetch import Lock
from booty.stack.place import Place, read, registered

if TYPE_CHECKING:
    from booty.model.plan import Artifact

__all__ = ["User", "users"]


@frozen(kw_only=True, order=True)
class User:
    """Somebody who uses a program of the store.

    Attributes:
        name: the stack's name; ``pid N`` of a process that no stack that is there accounts for.
        root: the stack's folder; empty for a process.
        running: whether it runs now.
    """

    name: str
    root: str = ""
    running: bool = False


def users(
    root: Path, artifacts: Iterable[Artifact], *, strict: bool = True
) -> Mapping[str, tuple[User, ...]]:
    """Return who uses which program: by a lock, a saved lock, a saved plan, or a live process.

    Args:
        root: the store.
        artifacts: what is in it.
        strict: refuse where nobody can tell, because the lock of a stack cannot be read.

    Returns:
        Users by the program's folder in the store; a program that nobody uses is not there.

    Raises:
        ConfigError: a lock cannot be read.
    """
    known = list(artifacts)
    found: dict[str, set[User]] = defaultdict(set)
    for entry in registered():
        place = _place(entry)
        if place.id == entry["id"]:
            for path, running in _of_stack(place, known, strict=strict).items():
                found[path].add(User(name=_name(entry), root=str(place.root), running=running))
    for pid, path in _executed(root, known):
        if not any(user.running for user in found[path]):
            found[path].add(User(name=f"pid {pid}", running=True))
    return {path: tuple(sorted(some)) for path, some in found.items() if some}


def _place(entry: Mapping[str, Any]) -> Place:
    root = Path(entry["root"])
    return Place(root, root / entry.get("file", "booty.toml"), Path(entry.get("state") or root))


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or Path(entry["root"]).name)


def _of_stack(place: Place, known: list[Artifact], *, strict: bool) -> dict[str, bool]:
    stack = place.stack
    now = str(stack.get("plan")) if stack.get("supervisor") or stack.get("unwatched") else ""
    found = {path: False for lock in _locks(place, strict=strict) for path in _locked(lock, known)}
    for file in (place.state / "plans").glob("*.run.json"):
        running = file.name == f"{now}.run.json"
        for one in read(file).get("artifacts", {}).values():
            found[str(one["path"])] = running or found.get(str(one["path"]), False)
    return found


def _locks(place: Place, *, strict: bool) -> Iterator[Lock]:
    for file in (place.lock, *sorted((place.state / "locks").glob("*.lock"))):
        try:
            yield Lock.read(file)
        except ConfigError:
            if strict:
                raise


def _locked(lock: Lock, known: list[Artifact]) -> list[str]:
    return [
        one.path
        for one in known
        if any(entry.digest == one.digest for entry in lock.of(one.key, one.platform))
    ]


def _executed(root: Path, known: list[Artifact]) -> Iterator[tuple[int, str]]:
    # where the system shows what a process runs; elsewhere the plans alone tell
    places = {os.path.realpath(root / one.path): one.path for one in known}
    for link in Path("/proc").glob("[0-9]*/exe"):
        try:
            target = link.readlink()
        except OSError:
            continue  # it has gone, or belongs to somebody else
        for above in target.parents:
            if str(above) in places:
                yield int(link.parent.name), places[str(above)]
