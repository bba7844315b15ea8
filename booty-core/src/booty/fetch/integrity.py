"""Whether a stored program is still what was verified. Standard library alone: each start asks."""

from __future__ import annotations

import functools
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from booty.errors import FetchError, VerifyError

__all__ = [
    "ENTRY",
    "FORMAT",
    "check",
    "compare",
    "forget",
    "read_entry",
    "seen",
    "sha256_of",
    "used",
    "verify",
]

ENTRY: Final = "entry.json"
FORMAT: Final = 1


def check(root: Path, path: str, key: str) -> None:
    """See that a stored program is still what was verified, before it is used.

    Fully at the first look after each boot; after that by inode, size, times and mode of its files,
    its folders and its record. The time of this look is kept: :func:`used`.

    Args:
        root: the store.
        path: the program's folder, relative to it; an absolute one is the user's own.
        key: the artifact's key, for messages.

    Raises:
        VerifyError: it was changed.
        FetchError: it is gone.
    """
    if not path or path.startswith("/"):
        return
    mark, place = _mark_of(root, path), f"{root}/{path}"
    if _unchanged(mark, place):
        with suppress(OSError):  # a read-only store remembers no use
            os.utime(mark)
    else:
        verify(root, path, key)


def verify(root: Path, path: str, key: str) -> int:
    """Read every byte of a stored program.

    Args:
        root: the store.
        path: the program's folder, relative to it.
        key: the artifact's key, for messages.

    Returns:
        How many bytes its files have.

    Raises:
        VerifyError: a file was changed, is gone, or was added.
        FetchError: the program is gone.
    """
    place = root / path
    entry = read_entry(place / ENTRY)
    if entry is None:
        raise FetchError(
            f'cannot find "{key}" in the store: it was removed',
            reference="store-missing",
            subject=key,
            hint="booty fetch",
        )
    folders, files = _walk(place)
    now = {name: stamp(f"{place}/{name}") for name in (".", ENTRY, *folders, *files)}
    compare(place, entry["files"], key)
    _mark(_mark_of(root, path), json.dumps([_boot(), now]))
    return sum(found[1] for name in files if (found := now[name]))


def compare(place: Path, recorded: dict[str, Any], key: str) -> None:
    """See that the files of a program are those that were recorded, byte by byte.

    Args:
        place: the program's folder.
        recorded: what :func:`seen` said of each file, by its path in the folder.
        key: the artifact's key, for messages.

    Raises:
        VerifyError: a file was changed, is gone, or was added.
    """
    for name, known in recorded.items():
        if not _same(seen(place / name), known):
            raise _changed(key, place, f'"{name}" in the store was changed after it was verified')
    for name in _walk(place)[1]:
        if name not in recorded:
            raise _changed(key, place, f'"{name}" was put into the store beside it')


def used(root: Path, path: str) -> float:
    """Return when a program was last checked or, if it never was, installed: seconds since 1970."""
    for file in (_mark_of(root, path), f"{root}/{path}/{ENTRY}"):
        with suppress(OSError):
            return os.stat(file).st_mtime  # noqa: PTH116 - no pathlib on the way of a start
    return 0.0


def forget(root: Path, path: str) -> None:
    """Forget that a program was ever checked."""
    with suppress(OSError):
        os.unlink(_mark_of(root, path))  # noqa: PTH108 - likewise


def _unchanged(mark: str, place: str) -> bool:
    try:
        boot, known = json.loads(_text(mark))
        same = boot == _boot() and ENTRY in known
        return same and all(stamp(f"{place}/{name}") == now for name, now in known.items())
    except (ValueError, TypeError, AttributeError):
        return False  # none yet, or not what we wrote


def _walk(place: Path) -> tuple[list[str], list[str]]:
    folders, files = [], []
    for above, inner, names in os.walk(place):
        base = os.path.relpath(above, place)
        links = [name for name in inner if os.path.islink(f"{above}/{name}")]  # noqa: PTH114 - speed
        folders += [_below(base, name) for name in inner if name not in links]
        files += [_below(base, name) for name in (*names, *links)]
    return sorted(folders), sorted(name for name in files if name != ENTRY)


def _below(base: str, name: str) -> str:
    return name if base == "." else f"{base}/{name}"


def read_entry(file: Path) -> dict[str, Any] | None:
    """Return what the store wrote about a program; ``None`` if nothing complete is there."""
    try:
        data = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return None
    return data if isinstance(data.get("files"), dict) else None


def seen(file: Path) -> dict[str, str]:
    """Return what is recorded of a file: its sha256, or where it leads if it is a link."""
    if file.is_symlink():
        return {"link": str(file.readlink())}
    return {"sha256": sha256_of(file) if file.is_file() else ""}


def _same(found: dict[str, str], recorded: Any) -> bool:
    return isinstance(recorded, dict) and all(
        recorded.get(key) == value for key, value in found.items()
    )


def stamp(file: str) -> list[int] | None:
    """Return inode, size, times and mode of a file or folder; ``None`` if it is gone."""
    try:
        found = os.lstat(file)
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode]


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    import hashlib  # OpenSSL: 4 ms, for a full look only

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(file: str) -> str:
    try:
        with open(file) as opened:  # noqa: PTH123 - no pathlib on the way of a start
            return opened.read()
    except OSError:
        return ""


def _mark_of(root: Path, path: str) -> str:
    return f"{root}/.checked/{path.replace('/', '_')}"


def _mark(file: str, text: str) -> None:
    new = f"{file}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)  # noqa: PTH103, PTH120 - likewise
        with open(new, "w") as opened:  # noqa: PTH123 - likewise
            opened.write(text)
        os.replace(new, file)  # noqa: PTH105 - likewise
    except OSError:
        return  # a read-only store is checked fully each time


@functools.cache
def _boot() -> str:
    return _text("/proc/sys/kernel/random/boot_id").strip() or "unknown"


def _changed(key: str, place: Path, what: str) -> VerifyError:
    import shlex

    return VerifyError(
        f'cannot trust "{key}": {what}',
        reference="store-changed",
        subject=key,
        hint=f"rm -r {shlex.quote(str(place))}, then booty fetch",
    )
