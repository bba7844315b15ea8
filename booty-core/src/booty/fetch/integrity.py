"""Whether a stored program is still what was verified. Standard library alone: each start asks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from booty.errors import FetchError, VerifyError

__all__ = ["ENTRY", "FORMAT", "check", "read_entry", "sha256_of", "stamp"]

ENTRY: Final = "entry.json"
FORMAT: Final = 1


def check(root: Path, path: str, key: str) -> None:
    """See that a stored program is still what was verified.

    Fully at the first look after each boot, by inode, size and time after that.

    Args:
        root: the store.
        path: the program's folder, relative to it; an absolute one is the user's own.
        key: the artifact's key, for messages.

    Raises:
        VerifyError: it was changed.
        FetchError: it is gone.
    """
    if not path or Path(path).is_absolute():
        return
    place = root / path
    entry = read_entry(place / ENTRY)
    if entry is None:
        raise FetchError(
            f'cannot find "{key}" in the store: it was removed',
            reference="store-missing",
            subject=key,
            hint="booty fetch",
        )
    files: dict[str, dict[str, Any]] = entry["files"]
    same = all(stamp(place / name) == known["stamp"] for name, known in files.items())
    checked, boot = root / ".checked" / path.replace("/", "_"), _boot()
    if same and _text(checked) == boot:
        return
    for name, known in files.items():
        if not (place / name).is_file() or sha256_of(place / name) != known["sha256"]:
            raise _changed(key, path, name)
    _mark(checked, boot)


def read_entry(file: Path) -> dict[str, Any] | None:
    """Return what the store wrote about a program; ``None`` if nothing complete is there."""
    try:
        data = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and data.get("format") == FORMAT else None


def stamp(file: Path) -> list[int] | None:
    """Return inode, size and time of a file; ``None`` if it is gone."""
    try:
        found = file.stat()
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _mark(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    except OSError:
        return  # a read-only store is checked fully each time


def _boot() -> str:
    return _text(Path("/proc/sys/kernel/random/boot_id")).strip() or "unknown"


def _changed(key: str, path: str, name: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{key}": "{name}" in the store was changed after it was verified',
        reference="store-changed",
        subject=key,
        hint=f"remove the folder {path} of the store, then booty fetch",
    )
