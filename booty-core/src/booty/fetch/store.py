"""The store: verified programs of this user, each in a folder that is complete or not there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from booty.errors import FetchError, VerifyError
from booty.fetch.download import sha256_of
from booty.model import codec
from booty.model.plan import Artifact

__all__ = ["Store"]

ENTRY: Final = "entry.json"
FORMAT: Final = 1
SHORT: Final = 12


class Store:
    """Verified programs on this machine, shared by all stacks of the user.

    ``<root>/<program>/<version>/<platform>-<digest>/`` holds the unpacked files and
    ``entry.json``, which says what they are, where they came from and what vouched for them.

    Args:
        root: the folder; made when something is installed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, key: str, platform: str, digest: str = "") -> Artifact | None:
        """Return what is stored for an artifact's key; of a digest, if one is given."""
        for artifact in self.list():
            if (artifact.key, artifact.platform) == (key, platform) and digest in {
                "",
                artifact.digest,
            }:
                return artifact
        return None

    def list(self) -> list[Artifact]:
        """Return everything in the store, by program and version."""
        found = []
        for file in sorted(self.root.glob(f"*/*/*/{ENTRY}")):
            entry = _read(file)
            if entry:
                found.append(codec.from_data(Artifact, entry["artifact"]))
        return found

    def install(self, artifact: Artifact, fill: Callable[[Path], str]) -> Artifact:
        """Install a program, or find that somebody else just did.

        Args:
            artifact: what it is; ``path`` and ``executable`` are still to be known.
            fill: puts the files into an empty folder and returns the executable's relative path;
                what it raises passes through and nothing is left.

        Returns:
            The artifact with its place.

        Raises:
            FetchError: the disk is full or read-only.
        """
        relative = self._relative(artifact)
        with self.locked(f"install-{artifact.digest[:SHORT]}"):
            entry = _read(self.root / relative / ENTRY)
            if entry:
                return codec.from_data(Artifact, entry["artifact"])
            try:
                return self._install(artifact, relative, fill)
            except OSError as error:
                raise _unwritable(self.root, error) from error

    def _install(self, artifact: Artifact, relative: Path, fill: Callable[[Path], str]) -> Artifact:
        place = self.root / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)  # no entry.json: it was never complete
        staged = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
        try:
            executable = fill(staged)
            data = codec.to_data(artifact) | {"path": str(relative), "executable": executable}
            made = codec.from_data(Artifact, data)
            _seal(staged, made)
            staged.rename(place)
        except BaseException:
            _remove(staged)
            raise
        return made

    def _relative(self, artifact: Artifact) -> Path:
        leaf = f"{artifact.platform}-{artifact.digest[:SHORT]}"
        return Path(artifact.program, artifact.version or "any", leaf)

    def check(self, artifact: Artifact) -> None:
        """See that a stored program is still what was verified.

        Fully at the first look after each boot, by inode, size and time after that.

        Raises:
            VerifyError: it was changed.
            FetchError: it is gone.
        """
        if not artifact.path or Path(artifact.path).is_absolute():
            return
        place = self.root / artifact.path
        entry = _read(place / ENTRY)
        if entry is None:
            raise FetchError(
                f'cannot find "{artifact.key}" in the store: it was removed',
                reference="store-missing",
                subject=artifact.key,
                hint="booty fetch",
            )
        boot = _boot()
        stamps = {name: _stamp(place / name) for name in entry["files"]}
        same = all(stamps[name] == known["stamp"] for name, known in entry["files"].items())
        checked = self.root / ".checked" / artifact.path.replace("/", "_")
        if same and _text(checked) == boot:
            return
        for name, known in entry["files"].items():
            if stamps[name] is None or sha256_of(place / name) != known["sha256"]:
                raise _changed(artifact, name)
        _mark(checked, boot)

    def remove(self, artifact: Artifact) -> None:
        """Remove one program."""
        _remove(self.root / artifact.path)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock of the store, so that ten processes do a thing once."""
        try:
            (self.root / ".locks").mkdir(parents=True, exist_ok=True)
            handle = os.open(self.root / ".locks" / name, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(self.root, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and data.get("format") == FORMAT else None


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


def _stamp(file: Path) -> list[int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def _seal(staged: Path, artifact: Artifact) -> None:
    # read-only files, and a record of each, before the folder gets its name
    files = [path for path in sorted(staged.rglob("*")) if path.is_file()]
    for path in files:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o555 | 0o400)
    recorded = {
        str(path.relative_to(staged)): {"stamp": _stamp(path), "sha256": sha256_of(path)}
        for path in files
        if not path.is_symlink()
    }
    entry = {"format": FORMAT, "artifact": codec.to_data(artifact), "files": recorded}
    with (staged / ENTRY).open("w") as file:
        json.dump(entry, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _changed(artifact: Artifact, name: str) -> VerifyError:
    return VerifyError(
        f'cannot trust "{artifact.key}": "{name}" in the store was changed after it was verified',
        reference="store-changed",
        subject=artifact.key,
        hint=f"remove the folder {artifact.path} of the store, then booty fetch",
    )


def _unwritable(root: Path, error: OSError) -> FetchError:
    return FetchError(
        f'cannot write to the store "{root}": {error.strerror}',
        reference="store-unwritable",
        subject=str(root),
        hint="make room, or set BOOTY_HOME to a folder that can be written",
    )
