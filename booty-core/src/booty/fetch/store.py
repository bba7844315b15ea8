"""The store: verified programs of this user, each in a folder that is complete or not there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from booty.errors import FetchError
from booty.fetch import integrity, listed
from booty.model import codec
from booty.model.plan import Artifact

__all__ = ["Store", "recorded", "unwritable"]

SHORT: Final = 12
_NAMES: Final = ("key", "program", "version", "platform")
LOOK: Final = 0.1
"""Seconds between two looks at a lock that another process holds for minutes."""


class Store:
    """Verified programs on this machine, shared by all stacks of the user.

    ``<root>/<program>/<version>/<platform>-<digest>/`` holds the unpacked files and
    ``entry.json``, which says what they are, where they came from and what vouched for them.

    Args:
        root: the folder; made when something is installed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(
        self, key: str, platform: str, digest: str = "", *, source: str = ""
    ) -> Artifact | None:
        """Return what is stored for an artifact's key; of a digest or a source, if one is given."""
        for one in self.list():
            same = (one.key, one.platform) == (key, platform)
            if same and digest in {"", one.digest} and source in {"", one.source}:
                return one
        return None

    def list(self) -> list[Artifact]:
        """Return everything in the store, by program and version."""
        found = []
        for file in sorted(self.root.glob(f"*/*/*/{integrity.ENTRY}")):
            artifact = _artifact(file)
            # a folder on its way to its name is none of its own yet
            if artifact and self.root / artifact.path == file.parent:
                found.append(artifact)
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
            known = _artifact(self.root / relative / integrity.ENTRY)
            if known:
                return known
            try:
                return self._install(artifact, relative, fill)
            except OSError as error:
                raise unwritable(self.root, error) from error

    def _install(self, artifact: Artifact, relative: Path, fill: Callable[[Path], str]) -> Artifact:
        place = self.root / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)  # no entry.json: it was never complete
        for killed in place.parent.glob(f".new-{place.name}-*"):
            _remove(killed)  # the lock is ours: nobody else is at it
        staged = Path(tempfile.mkdtemp(prefix=f".new-{place.name}-", dir=place.parent))
        try:
            executable = fill(staged)
            _refuse_our_name(staged, artifact.key)
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
        # a program of a user's may be called as another one, and even be the same file
        own = artifact.key.startswith("program/")
        name = artifact.key.partition("@")[0].rpartition("/")[2] if own else artifact.program
        return Path(name, artifact.version or "any", leaf)

    def check(self, artifact: Artifact) -> None:
        """See that a stored program is still what was verified.

        Fully at the first look after each boot, by inode, size and time after that.

        Raises:
            VerifyError: it was changed.
            FetchError: it is gone.
        """
        integrity.check(self.root, artifact.path, artifact.key)

    def verify(self, artifact: Artifact) -> int:
        """Read every byte of a stored program; returns how many there are.

        Raises:
            VerifyError: it was changed.
            FetchError: it is gone.
        """
        return integrity.verify(self.root, artifact.path, artifact.key)

    def remove(self, artifact: Artifact) -> None:
        """Remove one program; whoever is killed meanwhile leaves nothing that counts as whole.

        Raises:
            FetchError: the store is read-only.
        """
        place = self.root / artifact.path
        try:
            (place / integrity.ENTRY).unlink(missing_ok=True)
            shutil.rmtree(place)
        except FileNotFoundError:
            pass  # somebody else removes it
        except OSError as error:
            raise unwritable(self.root, error) from error
        integrity.forget(self.root, artifact.path)
        listed.forget(self.root, artifact)
        for empty in place.relative_to(self.root).parents[:-1]:
            with suppress(OSError):  # another version or platform is there
                (self.root / empty).rmdir()

    @contextmanager
    def idle(self) -> Iterator[bool]:
        """Hold every lock that was ever taken here; tells whether nobody else held one."""
        with ExitStack() as held:
            yield all(_try(held, file) for file in sorted((self.root / ".locks").glob("*")))

    @contextmanager
    def locked(
        self,
        name: str,
        waits: Callable[[], None] | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> Iterator[None]:
        """Hold a lock of the store, so that ten processes do a thing once.

        Args:
            name: of the lock.
            waits: called once if another process holds it.
            pause: waits some seconds between two looks, and raises when nobody wants the lock any
                more; without it the wait cannot be ended.

        Raises:
            FetchError: the disk is full or read-only.
        """
        try:
            (self.root / ".locks").mkdir(parents=True, exist_ok=True)
            handle = os.open(self.root / ".locks" / name, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise unwritable(self.root, error) from error
        try:
            _take(handle, waits, pause)
            yield
        finally:
            os.close(handle)


def _try(held: ExitStack, file: Path) -> bool:
    try:
        handle = os.open(file, os.O_WRONLY)
        held.callback(os.close, handle)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _take(
    handle: int, waits: Callable[[], None] | None, pause: Callable[[float], None] | None
) -> None:
    if _taken(handle):
        return
    if waits:
        waits()
    while pause and not _taken(handle):
        pause(LOOK)
    if not pause:
        fcntl.flock(handle, fcntl.LOCK_EX)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _artifact(file: Path) -> Artifact | None:
    entry = integrity.read_entry(file)
    return recorded(entry) if entry else None


def recorded(entry: Mapping[str, Any]) -> Artifact | None:
    """Return the program that a record is about; ``None`` if it is not what we write.

    Args:
        entry: what stands in ``entry.json``.
    """
    data = entry.get("artifact")
    if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in _NAMES):
        return None
    other = {key: one for key, one in data.items() if key not in {"size", "args"}}
    sized = type(data.get("size", 0)) is int
    if not sized or data.get("args") or not all(isinstance(one, str) for one in other.values()):
        return None
    found: Artifact = codec.from_data(Artifact, data)
    return found


def _refuse_our_name(staged: Path, key: str) -> None:
    taken = [path.name for path in staged.iterdir() if path.name.casefold() == integrity.ENTRY]
    if taken:
        raise FetchError(
            f'cannot install {key}: its archive holds "{taken[0]}", a name that the store needs',
            reference="reserved-name",
            subject=key,
            hint="tell whoever maintains the provider",
        )


def _seal(staged: Path, artifact: Artifact) -> None:
    # read-only files, and a record of each, before the folder gets its name
    files = [path for path in sorted(staged.rglob("*")) if path.is_symlink() or path.is_file()]
    for path in files:
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o555 | 0o400)
    recorded = {str(path.relative_to(staged)): integrity.seen(path) for path in files}
    entry = {"format": integrity.FORMAT, "artifact": codec.to_data(artifact), "files": recorded}
    with (staged / integrity.ENTRY).open("w") as file:
        json.dump(entry, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def unwritable(root: Path, error: OSError) -> FetchError:
    """Return the fault of a disk that is full or read-only, which no other source can mend."""
    return FetchError(
        f'cannot write to "{root}": {error.strerror}',
        reference="store-unwritable",
        subject=str(root),
        hint="make room, or set BOOTY_HOME to a folder that can be written",
    )
