"""Values on their way to the supervisor: a sealed memory file, never a path, never an argument."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from booty.errors import BootyError

__all__ = ["to_memfd"]


def to_memfd(values: Mapping[str, str]) -> int:
    """Return a descriptor of a memory file that holds the values and can be changed by nobody.

    Args:
        values: by reference.

    Returns:
        A descriptor at offset 0, for the caller to close; JSON ``{"values": {…}}``. On a system
        without memory files it is an unlinked file of mode 0600.

    Raises:
        BootyError: the system gives neither.
    """
    data = json.dumps({"values": dict(values)}).encode()
    try:
        return _sealed(data) if hasattr(os, "memfd_create") else _unlinked(data)
    except OSError as error:
        raise BootyError(
            f"cannot hand secrets over: {error.strerror}",
            reference="secrets-handover",
            hint="booty doctor",
        ) from error


def _sealed(data: bytes) -> int:
    handle = os.memfd_create("booty-secrets", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with _closed_on_fault(handle):
        _fill(handle, data)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
    return handle


def _unlinked(data: bytes) -> int:
    import tempfile

    handle, path = tempfile.mkstemp(prefix="booty-")
    with _closed_on_fault(handle):
        os.unlink(path)  # noqa: PTH108 - before a byte is in it
        _fill(handle, data)
    return handle


@contextmanager
def _closed_on_fault(handle: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(handle)
        raise


def _fill(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    os.lseek(handle, 0, os.SEEK_SET)
