"""One file that is packed by itself: a bare binary as ``gz``, ``xz``, ``bz2`` or ``zst``."""

from __future__ import annotations

import bz2
import gzip
import lzma
from importlib import import_module
from pathlib import Path
from typing import IO, Final, cast

from booty.errors import FetchError
from booty.fetch.judging import Judge

__all__ = ["KINDS", "unpack", "zstd"]

KINDS: Final = ("gz", "xz", "bz2", "zst")
_BLOCK: Final = 1 << 20


def unpack(archive: Path, target: Path, kind: str) -> None:
    """Unpack one file.

    Raises:
        VerifyError: it holds more than a program does.
        FetchError: nothing here reads this kind.
    """
    judge, done = Judge(archive), 0
    with _opened(archive, kind) as content, target.open("xb") as file:
        while block := content.read(_BLOCK):
            done += len(block)
            judge.measure(done)  # no header tells the size: it is seen while it grows
            file.write(block)


def _opened(archive: Path, kind: str) -> IO[bytes]:
    if kind == "gz":
        return cast("IO[bytes]", gzip.open(archive, "rb"))
    if kind == "xz":
        return lzma.open(archive, "rb")
    return bz2.open(archive, "rb") if kind == "bz2" else zstd(archive)


def zstd(archive: Path) -> IO[bytes]:
    """Open a file that is packed by zstandard.

    Raises:
        FetchError: nothing here reads it.
    """
    for name in ("compression.zstd", "backports.zstd"):  # part of Python from 3.14
        try:
            opened: IO[bytes] = import_module(name).open(archive, "rb")
        except ImportError:
            continue
        return opened
    raise FetchError(
        f'cannot unpack "{archive.name}": nothing is installed that reads zstandard',
        reference="zstd-missing",
        subject=archive.name,
        hint="pip install backports.zstd, or use Python 3.14 or newer",
    )
