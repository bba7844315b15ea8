"""Unpacking what a stranger sent: everything is judged before a byte is written."""

from __future__ import annotations

import errno
import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from booty.errors import BootyError, FetchError
from booty.fetch import judging, packed
from booty.fetch.judging import Judge

__all__ = ["kind_of", "unpack"]

LONGEST_READ: Final = 16 << 20
"""Bytes that may be asked for at once; only a header made to fill the memory asks for more."""

ZSTD: Final = b"\x28\xb5\x2f\xfd"
_TARS: Final = (".tar", ".tgz", ".txz", ".tbz2", *(f".tar.{one}" for one in packed.KINDS))
_DISK: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO}


def unpack(archive: Path, into: Path, kind: str, *, name: str = "") -> None:
    """Unpack an archive into an empty folder.

    Args:
        archive: the file.
        into: an existing empty folder.
        kind: ``tar`` (also as ``tar.gz`` and so on; its first bytes tell the compression), ``zip``
            (a wheel is one), ``bare``, or ``gz xz bz2 zst`` for one packed file.
        name: for a bare binary or a packed file: the name it gets.

    Raises:
        VerifyError: it holds something that a program's archive has no business to hold.
        FetchError: it is damaged.
        OSError: the disk is full or read-only.
    """
    try:
        if kind == "bare":
            shutil.copyfile(archive, into / name)
        elif kind == "zip":
            _zip(archive, into)
        elif kind in packed.KINDS:
            packed.unpack(archive, into / name, kind)
        else:
            _tar(archive, into)
    except BootyError:
        raise
    except OSError as error:
        if error.errno in _DISK:
            raise
        raise _damaged(archive, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise Judge(archive).not_utf8() from error
    except Exception as error:  # a strange archive makes the library raise anything
        raise _damaged(archive, str(error) or type(error).__name__) from error


def kind_of(url: str) -> str:
    """Return the kind of an archive by the end of its address."""
    path = urlsplit(url).path
    if path.endswith(_TARS):
        return "tar"
    end = path.rpartition(".")[2]
    return end if end in {"zip", *packed.KINDS} else "bare"


def _zip(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        judge = Judge(archive)
        for info in opened.infolist():
            judge.look(judging.of_zip(info))
        for info in opened.infolist():
            if not info.is_dir():
                path = Path(opened.extract(info, into))
                # zipfile forgets the mode; the executable bit is in the upper half
                path.chmod(0o755 if (info.external_attr >> 16) & 0o111 else 0o644)


@contextmanager
def _tar_file(archive: Path) -> Iterator[tarfile.TarFile]:
    with archive.open("rb") as file:
        zstd = file.read(len(ZSTD)) == ZSTD
    if not zstd:  # tarfile finds out by itself
        with _Tar.open(archive, errors="strict") as opened:
            yield opened
        return
    with (
        packed.zstd(archive) as content,
        _Tar.open(fileobj=content, mode="r:", errors="strict") as inner,
    ):
        yield inner


def _tar(archive: Path, into: Path) -> None:
    with _tar_file(archive) as opened:
        judge, members = Judge(archive), []
        for member in opened:
            judge.look(judging.of_tar(member))
            members.append(member)
        for member in members:
            _extract(opened, member, into)


def _extract(opened: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    # by ourselves: the filters of tarfile are not in every Python 3.11, and have had holes
    path = into / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.isdir():
        path.mkdir(exist_ok=True)
    elif member.issym():
        path.symlink_to(member.linkname)
    elif member.islnk():
        shutil.copy(into / member.linkname, path)
    else:
        content = opened.extractfile(member)
        with path.open("xb") as file:
            shutil.copyfileobj(content or io.BytesIO(), file)
        path.chmod(0o755 if member.mode & 0o111 else 0o644)


class _Bounded:
    """A file of which only so much is read at once: tarfile believes what a header claims."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int) -> Any:
        if size > LONGEST_READ:
            message = f"a header of {size} bytes"
            raise tarfile.ReadError(message)
        return self._file.read(size)


class _Tar(tarfile.TarFile):
    """A tar file that reads through :class:`_Bounded` from its first header on."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, _Bounded(value) if name == "fileobj" else value)


def _damaged(archive: Path, why: str) -> FetchError:
    return FetchError(
        f'cannot unpack "{archive.name}": {why}',
        reference="damaged-archive",
        subject=archive.name,
        hint="try again; if it stays so, the server gives something else than the archive",
    )
