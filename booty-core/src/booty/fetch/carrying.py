"""Programs of the store carried to another store, as they lie there.

A parcel holds one tar for each program. What arrives is compared byte by byte with the record that
came with it, which says what vouched for it where it was fetched. Whoever wants more than the word
of a parcel carries a bundle (:mod:`booty.fetch.bundle`): that is judged by booty.lock.
"""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from booty.errors import FetchError, VerifyError
from booty.fetch import integrity
from booty.fetch.parcel import Parcel, gathering, lay, pack
from booty.fetch.store import Store, recorded, unwritable
from booty.fetch.unpack import unpack

if TYPE_CHECKING:
    from booty.model.plan import Artifact

__all__ = ["bring", "carry"]

HEAD: Final = "store.json"
FORMAT: Final = 1
IMPORTED: Final = "imported: "
"""Stands before what vouched for a program on another machine."""
_NAME: Final = re.compile(r"programs/[\w.+@-]+\.tar")
_PART: Final = re.compile(r"[\w+@-][\w.+@-]*")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def carry(store: Store, artifacts: Iterable[Artifact], out: Path) -> str:
    """Write programs of a store to a file; returns its sha256.

    Args:
        store: the store.
        artifacts: the programs; each is read whole and compared before.
        out: the file; one that is there is replaced.

    Raises:
        VerifyError: a program was changed.
        FetchError: one is gone, or the file cannot be written.
    """
    known = sorted(artifacts, key=lambda one: one.path)
    for one in known:
        store.verify(one)
    with gathering(out) as folder:
        return pack(out, _files(store, known, folder))


def _files(
    store: Store, known: Iterable[Artifact], folder: Path
) -> Iterator[tuple[str, Path | bytes]]:
    yield HEAD, json.dumps({"format": FORMAT, "kind": "store"}).encode()
    for one in known:
        packed = folder / "one.tar"
        with packed.open("wb") as file, tarfile.open(fileobj=file, mode="w") as made:
            place = store.root / one.path
            for path in sorted(place.rglob("*")):
                lay(made, path, path.relative_to(place).as_posix())
        yield f"programs/{one.path.replace('/', '_')}.tar", packed


def bring(store: Store, source: Path) -> tuple[list[Artifact], list[Artifact]]:
    """Install the programs of a file that :func:`carry` wrote; those that are there stay.

    Args:
        store: where to.
        source: the file.

    Returns:
        What was installed, and what was there already.

    Raises:
        VerifyError: a program is not what its record says, or is an archive that no program is;
            those before it stay installed, nothing of it does.
        FetchError: the file cannot be read, or the disk is full.
    """
    fresh: list[Artifact] = []
    known: list[Artifact] = []
    with Parcel(source) as parcel:
        _refuse_other(parcel)
        for name in parcel.names:
            if _NAME.fullmatch(name):
                made, new = _bring(store, parcel, name)
                (fresh if new else known).append(made)
    return fresh, known


def _refuse_other(parcel: Parcel) -> None:
    try:
        head = json.loads(parcel.read(HEAD)) if HEAD in parcel.names else None
    except ValueError:
        head = None
    if not isinstance(head, dict) or (head.get("format"), head.get("kind")) != (FORMAT, "store"):
        raise FetchError(
            f'cannot import "{parcel.path}": it is no export of a store that this booty can read',
            reference="not-an-export",
            subject=str(parcel.path),
            hint="booty store export OUT makes one; a bundle is used by booty up --bundle",
        )


def _bring(store: Store, parcel: Parcel, name: str) -> tuple[Artifact, bool]:
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=store.root) as folder:
            place = Path(folder, "one")
            place.mkdir()
            packed = Path(folder, name.rpartition("/")[2])
            parcel.save(name, packed)
            unpack(packed, place, "tar")
            return _install(store, place, packed.name)
    except OSError as error:
        raise unwritable(store.root, error) from error


def _install(store: Store, place: Path, name: str) -> tuple[Artifact, bool]:
    entry = integrity.read_entry(place / integrity.ENTRY)
    artifact = _sound(entry, place) if entry else None
    if entry is None or artifact is None:
        raise VerifyError(
            f'cannot import "{name}": it is no program as a store holds it',
            reference="hostile-archive",
            subject=name,
            hint="nothing of it was kept; do not use this file",
        )
    integrity.compare(place, entry["files"], artifact.key)
    held = store.find(artifact.key, artifact.platform, artifact.digest)
    if held:
        return held, False
    trust = IMPORTED + artifact.trust.removeprefix(IMPORTED)
    made = evolve(artifact, trust=trust)
    return store.install(made, lambda into: _move(place, into, artifact.executable)), True


def _sound(entry: dict[str, Any], place: Path) -> Artifact | None:
    # what a stranger wrote becomes a path here
    found = recorded(entry)
    if found is None:
        return None
    named = all(_PART.fullmatch(one) for one in (found.program, found.version, found.platform))
    inside = (place / found.executable).resolve().is_relative_to(place.resolve())
    whole = inside and (place / found.executable).is_file()
    return found if named and whole and _DIGEST.fullmatch(found.digest) else None


def _move(place: Path, into: Path, executable: str) -> str:
    for one in place.iterdir():
        if one.name != integrity.ENTRY:
            one.rename(into / one.name)
    return executable
