"""Whether a stored program is still what was verified. Standard library alone: each start asks."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any, Final

from booty.errors import FetchError, VerifyError

__all__ = ["ENTRY", "FORMAT", "check", "read_entry", "seen", "sha256_of"]

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
    files: dict[str, dict[str, str]] = entry["files"]
    checked = root / ".checked" / path.replace("/", "_")
    now = json.dumps([_boot(), {name: stamp(place / name) for name in sorted(files)}])
    if _text(checked) == now:
        return
    for name, recorded in files.items():
        if not _same(seen(place / name), recorded):
            raise _changed(key, place, name)
    _mark(checked, now)


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


def stamp(file: Path) -> list[int] | None:
    """Return inode, size, time and mode of a file; ``None`` if it is gone."""
    try:
        found = file.lstat()
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode]


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    import hashlib  # OpenSSL: 4 ms, for a full look only

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _mark(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text)
        new.replace(file)
    except OSError:
        return  # a read-only store is checked fully each time


def _boot() -> str:
    return _text(Path("/proc/sys/kernel/random/boot_id")).strip() or "unknown"


def _changed(key: str, place: Path, name: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{key}": "{name}" in the store was changed after it was verified',
        reference="store-changed",
        subject=key,
        hint=f"rm -r {shlex.quote(str(place))}, then booty fetch",
    )
