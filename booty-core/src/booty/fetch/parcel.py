"""A tar of plain files under known names, the same bytes whenever it is made of the same files."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from booty.errors import FetchError, VerifyError
from booty.fetch.integrity import sha256_of

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Parcel", "gathering", "lay", "pack"]

BLOCK: Final = 1 << 20
SMALL: Final = 16 << 20
"""Bytes of a file that may be read into memory; only one made to fill it has more."""
PLAIN: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)


def pack(out: Path, files: Iterable[tuple[str, Path | bytes]]) -> str:
    """Write a tar, whole or not at all; returns its sha256.

    Args:
        out: the file; one that is there is replaced.
        files: name in the tar, and the file or the bytes; in the order in which they are to lie.

    Raises:
        FetchError: it cannot be written.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    with _writing(out):
        with part.open("wb") as file, tarfile.open(fileobj=file, mode="w") as made:
            for name, content in files:
                _add(made, name, content)
        digest = sha256_of(part)
        part.replace(out)
    return digest


@contextmanager
def gathering(out: Path) -> Iterator[Path]:
    """Give a folder beside a file that is about to be written, for what goes into it.

    It is gone afterwards; those of who was killed before are removed.

    Args:
        out: the file.

    Raises:
        FetchError: its folder is not there, or cannot be written.
    """
    place = out.with_name(f".{out.name}.{os.getpid()}.gathering")
    with _writing(out):
        for one in out.parent.glob(f".{out.name}.*"):
            if one.suffix in {".gathering", ".part"} and not _lives(one.suffixes[-2]):
                _remove(one)
        place.mkdir()
        try:
            yield place
        finally:
            _remove(place)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FetchError(
            f'cannot write "{out}": {error.strerror}',
            reference="parcel-unwritable",
            subject=str(out),
            hint="make room, or write it elsewhere",
        ) from error
    finally:
        with suppress(OSError):
            out.with_name(f".{out.name}.{os.getpid()}.part").unlink()


def _lives(suffix: str) -> bool:
    try:
        os.kill(int(suffix.removeprefix(".")), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        return True  # somebody else's
    return True


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _add(made: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    info = tarfile.TarInfo(name)  # no time, no owner: they differ from run to run
    info.mode = 0o755 if name.endswith(".sh") else 0o644
    if isinstance(content, bytes):
        info.size = len(content)
        made.addfile(info, io.BytesIO(content))
        return
    info.size = content.stat().st_size
    with content.open("rb") as file:
        made.addfile(info, file)


def lay(made: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file, a link or a folder to a tar, the same whenever it is done.

    Args:
        made: the tar.
        path: what is added; a folder without what is in it.
        name: its name there.
    """
    info = tarfile.TarInfo(name)
    info.mode = 0o755 if path.lstat().st_mode & 0o100 else 0o644
    if path.is_symlink():
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
        made.addfile(info)
    elif path.is_dir():
        info.type = tarfile.DIRTYPE
        made.addfile(info)
    else:
        info.size = path.stat().st_size
        with path.open("rb") as file:
            made.addfile(info, file)


class Parcel:
    """Such a tar, or the folder that it was unpacked to.

    Nothing of it is unpacked: files are read by their names, links and all else are not there.

    Args:
        path: the tar or the folder.

    Raises:
        FetchError: it is neither.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # one position in one file, and several who ask
        self._tar: tarfile.TarFile | None = None
        self._members: dict[str, tarfile.TarInfo] = {}
        try:
            if not path.is_dir():
                self._tar = tarfile.open(path, "r:", errors="strict")  # noqa: SIM115 - see __exit__
                self._members = {one.name: one for one in self._tar if one.type in PLAIN}
        except (OSError, tarfile.TarError, ValueError, OverflowError) as error:
            raise self._unreadable(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tar is not None:
            self._tar.close()

    @property
    def names(self) -> list[str]:
        """The files in it."""
        if self._tar is not None:
            return sorted(self._members)
        found = [one for one in self.path.rglob("*") if one.is_file() and not one.is_symlink()]
        return sorted(one.relative_to(self.path).as_posix() for one in found)

    def read(self, name: str) -> bytes:
        """Return a small file.

        Raises:
            FetchError: it is not there, or not small.
        """
        with self._opened(name) as file:
            data: bytes = file.read(SMALL + 1)
        if len(data) > SMALL:
            raise self._unreadable(f'its "{name}" has more than {SMALL} bytes')
        return data

    def copy(self, name: str, target: Path, digest: str) -> None:
        """Copy a file out of it, if it is the one that is expected.

        Args:
            name: the file in it.
            target: the file to write.
            digest: the sha256 that it must have.

        Raises:
            VerifyError: it is another file; nothing of it is left.
            FetchError: it is not there, or the parcel is cut.
        """
        found = self.save(name, target)
        if found != digest:
            target.unlink()
            raise VerifyError(
                f'cannot trust "{name}" in "{self.path}": its sha256 is "{found}",'
                f' expected "{digest}"',
                reference="digest-mismatch",
                subject=name,
                hint="nothing of it was kept; carry it here again",
            )

    def save(self, name: str, target: Path) -> str:
        """Copy a file out of it; returns its sha256.

        Raises:
            FetchError: it is not there, or the parcel is cut.
            OSError: the disk is full or read-only.
        """
        hashed = hashlib.sha256()
        with self._opened(name) as file, target.open("wb") as copied:
            while block := file.read(BLOCK):
                hashed.update(block)
                copied.write(block)
        return hashed.hexdigest()

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        # a file that ends early is found by its digest; what tarfile raises of it is told as ours
        try:
            with self._lock, self._file(name) as opened:
                yield opened
        except (KeyError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise self._unreadable(f'there is no "{name}" in it') from error
        except tarfile.TarError as error:
            raise self._unreadable(f'its "{name}" is cut') from error

    def _file(self, name: str) -> IO[bytes]:
        if self._tar is None:
            return (self.path / name).open("rb")
        return self._tar.extractfile(self._members[name]) or io.BytesIO()

    def _unreadable(self, why: str) -> FetchError:
        return FetchError(
            f'cannot read "{self.path}": {why}',
            reference="parcel-unreadable",
            subject=str(self.path),
            hint="is it a file that booty made, and was it carried here whole?",
        )
