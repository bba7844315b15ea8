"""The store as its user sees it: what is there and who uses it, checked, and cleared out."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import Factory, frozen

from booty import fetch, paths
from booty.errors import BootyError, ConfigError, ConflictError, raise_all
from booty.fetch import carrying, inventory
from booty.fetch.inventory import Item
from booty.stack.users import User, users

if TYPE_CHECKING:
    from booty.model.plan import Artifact

__all__ = [
    "AGE",
    "Row",
    "Unused",
    "bring",
    "clear",
    "export",
    "names",
    "remove",
    "rows",
    "unused",
    "verify",
]

AGE: Final = 3600.0
"""Seconds since its last use after which a program that no stack uses may go: a command that has
just fetched it may not have written its lock yet."""


@frozen(kw_only=True)
class Row:
    """One program of the store with its users.

    Attributes:
        item: the program.
        users: who uses it.
    """

    item: Item
    users: tuple[User, ...] = ()


@frozen(kw_only=True)
class Unused:
    """What may go.

    Attributes:
        rows: programs that nobody uses.
        recent: how many more nobody uses, but whose last use is too near.
        leftovers: what killed installs and downloads left.
        bytes: what all this takes on the disk.
    """

    rows: tuple[Row, ...] = ()
    recent: int = 0
    leftovers: tuple[Path, ...] = Factory(tuple)
    bytes: int = 0


def store() -> fetch.Store:
    """Return the user's store."""
    return fetch.Store(paths.store())


def rows(asked: Sequence[str] = (), *, strict: bool = False) -> list[Row]:
    """Return the programs of the store with their users.

    Args:
        asked: components, programs, or ``NAME@VERSION``; all if empty.
        strict: refuse where a lock cannot be read, so that nobody can tell who uses what.

    Raises:
        ConfigError: a name that stands for nothing in the store, or a lock that cannot be read.
    """
    kept = store()
    items = inventory.items(kept)
    by_path = users(kept.root, [one.artifact for one in items], strict=strict)
    found = [Row(item=one, users=by_path.get(one.artifact.path, ())) for one in items]
    return _chosen(found, asked)


def names() -> list[str]:
    """Return what can be said for a program: components, and each with its version."""
    keys = [one.key for one in store().list()]
    return list(dict.fromkeys([*(key.partition("@")[0] for key in keys), *keys]))


def verify(asked: Sequence[str]) -> list[Row]:
    """Read every byte of programs; returns those that are as they were verified: all.

    Args:
        asked: likewise.

    Raises:
        VerifyError, BootyErrors: one or several were changed.
        ConfigError: likewise.
    """
    found, faults = rows(asked), list[BootyError]()
    for row in found:
        try:
            store().verify(row.item.artifact)
        except BootyError as error:
            faults.append(error)
    raise_all(faults)
    return found


def remove(asked: Sequence[str], *, used: bool = False) -> list[Row]:
    """Remove programs.

    Args:
        asked: likewise, at least one.
        used: remove those too that a stopped stack uses; it will have to fetch them again.

    Raises:
        ConflictError, BootyErrors: somebody uses them; nothing is removed.
        ConfigError: likewise.
    """
    found = rows(asked, strict=True)
    raise_all([_in_use(row) for row in found if row.users and not (used and not _runs(row))])
    for row in found:
        store().remove(row.item.artifact)
    return found


def export(out: Path, asked: Sequence[str] = ()) -> tuple[list[Row], str]:
    """Write programs to a file; returns them and the file's sha256.

    Args:
        out: the file; one that is there is replaced.
        asked: likewise.

    Raises:
        VerifyError: a program was changed.
        FetchError: the file cannot be written.
        ConfigError: likewise.
    """
    found = rows(asked)
    return found, carrying.carry(store(), [row.item.artifact for row in found], out.absolute())


def bring(source: Path) -> tuple[list[Artifact], list[Artifact]]:
    """Install the programs of a file that :func:`export` wrote.

    Returns:
        What was installed, and what was there already.

    Raises:
        VerifyError: a program is not what its record says.
        FetchError: the file cannot be read, or the disk is full.
    """
    return carrying.bring(store(), source.absolute())


def unused(age: float = AGE) -> Unused:
    """Return what no stack uses.

    Args:
        age: seconds for which it must not have been used.

    Raises:
        ConfigError: a lock cannot be read, so nobody can tell.
    """
    free = [row for row in rows(strict=True) if not row.users]
    limit = time.time() - age
    old = tuple(row for row in free if row.item.used <= limit)
    left = tuple(inventory.leftovers(store(), paths.cache() / "downloads"))
    taken = sum(row.item.bytes for row in old) + sum(inventory.size(one) for one in left)
    return Unused(rows=old, recent=len(free) - len(old), leftovers=left, bytes=taken)


def clear(found: Unused) -> Unused:
    """Remove what may go; returns what went.

    Raises:
        FetchError: the store is read-only.
    """
    for row in found.rows:
        store().remove(row.item.artifact)
    left = inventory.sweep(store(), list(found.leftovers))
    return Unused(rows=found.rows, recent=found.recent, leftovers=tuple(left), bytes=found.bytes)


def _chosen(found: list[Row], asked: Sequence[str]) -> list[Row]:
    if not asked:
        return found
    faults = [_missing(name, found) for name in asked if not any(_is(name, row) for row in found)]
    raise_all(faults)
    return [row for row in found if any(_is(name, row) for name in asked)]


def _is(name: str, row: Row) -> bool:
    artifact: Artifact = row.item.artifact
    component = artifact.key.partition("@")[0]
    return name in {artifact.key, component, artifact.program} or (
        name == f"{artifact.program}@{artifact.version}"
    )


def _runs(row: Row) -> bool:
    return any(user.running for user in row.users)


def _missing(name: str, found: list[Row]) -> ConfigError:
    keys = [row.item.artifact.key for row in found]
    near = difflib.get_close_matches(name, [*keys, *(key.partition("@")[0] for key in keys)], 1)
    return ConfigError(
        f'cannot find "{name}" in the store',
        reference="not-stored",
        subject=name,
        hint=f'did you mean "{near[0]}"?' if near else "booty store ls",
    )


def _in_use(row: Row) -> ConflictError:
    key, runs = row.item.artifact.key, _runs(row)
    who = ", ".join(f'"{one.name}"' + (f" ({one.root})" if one.root else "") for one in row.users)
    stop = next((one for one in row.users if one.running), row.users[0])
    wait = f"booty --stack {stop.name} down" if stop.root else f"end {stop.name}"
    return ConflictError(
        f'cannot remove "{key}": {who} {"runs it" if runs else "uses it"}',
        reference="store-in-use",
        subject=key,
        hint=f"{wait} first" if runs else f"booty store rm --yes {key}; it can be fetched again",
    )
