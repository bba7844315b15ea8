"""Locks with which the stack got ready, kept for ``rollback``. Standard library alone."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from booty.run import whole
from booty.supervise.complaint import complain

if TYPE_CHECKING:
    from booty.supervise.state import Folder

__all__ = ["END", "KEEP", "keep", "kept"]

KEEP: Final = 20
"""Locks that are kept, the newest."""
END: Final = ".lock"


def keep(folder: Folder, digest: str) -> None:
    """Keep the lock of a plan that got ready; the same one twice in a row is kept once.

    A disk that is full or read-only costs the copy, not the start.

    Args:
        folder: the state folder.
        digest: of the plan; one of programs that are in no lock has none.
    """
    try:
        with open(folder.path(f"plans/{digest}{END}"), "rb") as file:
            text = file.read()
    except OSError:
        return
    before = kept(folder)
    try:
        if not before or _read(before[-1]) != text:
            os.makedirs(folder.path("locks"), 0o700, exist_ok=True)
            number = _number(before[-1]) + 1 if before else 1
            whole.replace(folder.path(f"locks/{number:06d}{END}"), text)
            for old in before[: -KEEP + 1]:
                os.unlink(old)
    except OSError as error:
        complain(f"cannot keep the lock of this start: {error}")


def kept(folder: Folder) -> list[str]:
    """Return the paths of the locks that are kept, the newest last."""
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = os.listdir(folder.path("locks"))
    own = [name for name in names if name.endswith(END) and name[: -len(END)].isdigit()]
    return [folder.path(f"locks/{name}") for name in sorted(own)]


def _number(path: str) -> int:
    return int(os.path.basename(path)[: -len(END)])


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
