"""Whether a file can be a program of this platform, seen from its first bytes."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

from booty.errors import FetchError
from booty.model.platform import Platform

__all__ = ["check"]

_ELF: Final = {0x3E: "amd64", 0xB7: "arm64", 0x28: "arm", 0xF3: "riscv64", 0x15: "ppc64le"}
_MACHO: Final = {0x01000007: "amd64", 0x0100000C: "arm64"}
_MACHO_MAGIC: Final = b"\xcf\xfa\xed\xfe"
_MACHO_FAT: Final = b"\xca\xfe\xba\xbe"


def check(path: Path, platform: Platform) -> None:
    """See that a file is there, executable, and built for a platform.

    Raises:
        FetchError: it is not; the message says which of the three.
    """
    if not path.is_file():
        raise _fault("program-missing", path, "it is not there", "is the path right?")
    if not os.access(path, os.X_OK):
        raise _fault("not-executable", path, "it is not executable", f"chmod +x {path}")
    built = _platform(path)
    if built and built != platform:
        raise _fault(
            "wrong-architecture",
            path,
            f"it is built for {built}, this is {platform}",
            "get the program for this platform",
        )


def _platform(path: Path) -> Platform | None:
    with path.open("rb") as file:
        head = file.read(20)
    if head[:4] == b"\x7fELF" and len(head) == 20:  # noqa: PLR2004 - the header that was read
        order = "<" if head[5] == 1 else ">"
        arch = _ELF.get(struct.unpack(f"{order}H", head[18:20])[0])
        return Platform("linux", arch) if arch else None
    if head[:4] == _MACHO_MAGIC:
        arch = _MACHO.get(struct.unpack("<I", head[4:8])[0])
        return Platform("darwin", arch) if arch else None
    return None  # a script, or an archive for several processors


def _fault(reference: str, path: Path, why: str, hint: str) -> FetchError:
    return FetchError(
        f'cannot run "{path}": {why}', reference=reference, subject=str(path), hint=hint
    )
