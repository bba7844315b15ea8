"""What the store holds: whole programs with their size and last use, and what was left behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from booty.fetch import integrity
from booty.fetch.store import unwritable

if TYPE_CHECKING:
    from booty.fetch.store import Store
    from booty.model.plan import Artifact

__all__ = ["Item", "items", "leftovers", "sweep"]


@frozen(kw_only=True)
class Item:
    """One program of the store.

    Attributes:
        artifact: what it is.
        bytes: what its files take on the disk.
        used: when it was last checked before a start, else installed; seconds since 1970.
    """

    artifact: Artifact
    bytes: int
    used: float


def items(store: Store) -> list[Item]:
    """Return every whole program of the store, by program and version."""
    return [
        Item(
            artifact=one,
            bytes=size(store.root / one.path),
            used=integrity.used(store.root, one.path),
        )
        for one in store.list()
    ]


def size(place: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if not place.is_dir() or place.is_symlink():
        return _bytes(place)
    return sum(_bytes(Path(above, name)) for above, _, names in os.walk(place) for name in names)


def leftovers(store: Store, downloads: Path) -> list[Path]:
    """Return what killed installs and downloads left, and marks of programs that are gone.

    Args:
        store: the store.
        downloads: the folder of unfinished downloads.
    """
    whole = {store.root / one.path for one in store.list()}
    known = {one.relative_to(store.root).as_posix().replace("/", "_") for one in whole}
    places = [one for one in store.root.glob("*/*/*") if one not in whole]
    beside = [one for name in (".checked", ".listed") for one in (store.root / name).glob("*")]
    marks = [one for one in beside if one.name not in known]
    return sorted([*places, *marks, *downloads.glob("*")])


def sweep(store: Store, found: list[Path]) -> list[Path]:
    """Remove leftovers, unless somebody is at work in the store; returns what was removed.

    Args:
        store: the store.
        found: what :func:`leftovers` returned: what is begun after that look is not touched.

    Raises:
        FetchError: the store is read-only.
    """
    with store.idle() as idle:
        if not idle:
            return []
        for one in found:
            _remove(store, one)
    return found


def _remove(store: Store, place: Path) -> None:
    try:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(store.root, error) from error


def _bytes(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0
