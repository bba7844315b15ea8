"""A bundle: everything that a stack needs, for machines without a network.

Its programs lie in it as they were downloaded, each named by its sha256. Whoever takes one out
says which he wants: booty.lock (or the provider) knows it, and what has another sha256 is refused.
So nothing depends on what the bundle says of itself; ``bundle.json`` is for people.

::

    bundle.json            what is in it, and for which platforms
    install.sh             installs booty from the wheels below, and nothing else
    sbom.cdx.json          all of it as CycloneDX
    programs/<sha256>/…    what publishers and indexes served
    wheels/…               booty, its providers and all they need; lists of them with hashes
    stack/…                booty.toml with what it includes, and booty.lock
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from booty.errors import FetchError
from booty.fetch.parcel import Parcel

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["FORMAT", "HEAD", "KIND", "PROGRAMS", "STACK", "WHEELS", "Bundle", "keep", "kept"]

HEAD: Final = "bundle.json"
FORMAT: Final = 1
KIND: Final = "bundle"
PROGRAMS: Final = "programs"
WHEELS: Final = "wheels"
STACK: Final = "stack"
_PROGRAM: Final = re.compile(rf"{PROGRAMS}/([0-9a-f]{{64}})/[^/]+")


class Bundle:
    """A bundle that programs are taken from.

    Args:
        path: the tar, or the folder that it was unpacked to.

    Raises:
        FetchError: it is no bundle that this booty can read.
    """

    def __init__(self, path: Path) -> None:
        self._parcel = Parcel(path)
        self.head = self._head()
        found = (_PROGRAM.fullmatch(name) for name in self._parcel.names)
        self._programs = {match[1]: match[0] for match in found if match}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parcel.__exit__(kind, error, trace)

    def has(self, digest: str) -> bool:
        """Tell whether it claims to hold a file with this sha256."""
        return digest in self._programs

    def name(self, digest: str) -> str:
        """Return the name that a file had when it was downloaded."""
        return self._programs.get(digest, "").rpartition("/")[2]

    def take(self, digest: str, target: Path) -> Path:
        """Copy a program's file out of it.

        Args:
            digest: the sha256 that it must have.
            target: the file to write; its folder is made.

        Raises:
            VerifyError: it is another file; nothing of it is left.
            FetchError: it is not in it, or the bundle is cut.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        self._parcel.copy(self._programs.get(digest, f"{PROGRAMS}/{digest}"), target, digest)
        return target

    def _head(self) -> Mapping[str, Any]:
        names = self._parcel.names
        try:
            head = json.loads(self._parcel.read(HEAD)) if HEAD in names else None
        except ValueError:
            head = None
        if not isinstance(head, dict) or (head.get("format"), head.get("kind")) != (FORMAT, KIND):
            raise FetchError(
                f'cannot use "{self._parcel.path}": it is no bundle that this booty can read',
                reference="not-a-bundle",
                subject=str(self._parcel.path),
                hint="booty bundle OUT makes one, where there is a network",
            )
        return head


def keep(folder: Path, file: Path, digest: str) -> None:
    """Keep a file as it was downloaded, for a bundle.

    Args:
        folder: where files for the bundle are gathered.
        file: what was downloaded and verified.
        digest: its sha256.

    Raises:
        OSError: the disk is full.
    """
    place = folder / PROGRAMS / digest
    place.mkdir(parents=True, exist_ok=True)
    if kept(folder, digest):
        return  # the same file, by another component or for another platform
    shutil.copyfile(file, place / file.name.removeprefix(f"{digest[:16]}-"))


def kept(folder: Path, digest: str) -> Path | None:
    """Return a file that was kept, by its sha256."""
    return next((folder / PROGRAMS / digest).glob("*"), None)
