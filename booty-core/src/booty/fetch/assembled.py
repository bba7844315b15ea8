"""Programs that were built or put together here, as a bundle carries them.

No single file that somebody else vouches for holds such a program: a module's sum says nothing of
the bytes that a toolchain made of it. So the program itself is packed, the same bytes whoever does
it, and booty.lock records the sha256 of that: ``packed``.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booty.errors import VerifyError
from booty.fetch import executable, integrity
from booty.fetch.parcel import lay
from booty.fetch.unpack import unpack
from booty.model.plan import Artifact

if TYPE_CHECKING:
    from booty.fetch.request import Request
    from booty.fetch.store import Store

__all__ = ["pack", "take"]

EXECUTABLE: Final = "executable"
PROGRAM: Final = "program"


def pack(store: Store, artifact: Artifact, out: Path) -> str:
    """Pack a program of the store; returns the sha256 of what was written.

    Args:
        store: the store.
        artifact: the program; it is read whole and compared before.
        out: the file.

    Raises:
        VerifyError: it was changed.
        FetchError: it is gone.
        OSError: the disk is full.
    """
    store.verify(artifact)
    place = store.root / artifact.path
    with out.open("wb") as file, tarfile.open(fileobj=file, mode="w") as made:
        text = artifact.executable.encode()
        info = tarfile.TarInfo(EXECUTABLE)
        info.size = len(text)
        made.addfile(info, io.BytesIO(text))
        for path in sorted(place.rglob("*")):
            if path != place / integrity.ENTRY:
                lay(made, path, f"{PROGRAM}/{path.relative_to(place).as_posix()}")
    return integrity.sha256_of(out)


def take(request: Request) -> Artifact:
    """Install a program that a bundle holds packed, as booty.lock knows it.

    Args:
        request: what is asked, with a bundle and a lock entry.

    Raises:
        VerifyError: it is not what the lock says.
        FetchError: it cannot be read, or is for another machine.
    """
    request.downloads.mkdir(parents=True, exist_ok=True)
    locked, bundle = request.locked, request.bundle
    assert locked, "the lock's entry names what is packed"  # noqa: S101 - the caller has seen it
    assert bundle, "a bundle holds it"  # noqa: S101 - likewise
    artifact = Artifact(
        key=request.wish.key,
        program=request.wish.component.program,
        version=request.wish.version,
        platform=str(request.platform),
        source=locked.source,
        url=locked.url,
        digest=locked.digest,
        size=locked.size,
        trust=locked.trust,
        module=locked.module,
        h1=locked.h1,
        toolchain=locked.toolchain,
    )
    with tempfile.TemporaryDirectory(prefix="packed-", dir=request.downloads) as folder:
        file, place = Path(folder, bundle.name(locked.packed)), Path(folder, "unpacked")
        bundle.take(locked.packed, file)
        place.mkdir()
        unpack(file, place, "tar")
        return request.store.install(artifact, lambda into: _fill(request, place, into))


def _fill(request: Request, place: Path, into: Path) -> str:
    program = (place / EXECUTABLE).read_text()
    for one in (place / PROGRAM).iterdir():
        one.rename(into / one.name)
    if not (into / program).resolve().is_relative_to(into.resolve()):
        raise VerifyError(
            f'cannot unpack "{request.wish.key}": "{program}" is no program of its own',
            reference="hostile-archive",
            subject=request.wish.key,
            hint="nothing of it was kept; do not use this bundle",
        )
    executable.check(into / program, request.platform)
    return program
