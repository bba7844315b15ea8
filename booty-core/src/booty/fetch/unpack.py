"""Unpacking what a stranger sent: everything is judged before a byte is written."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from attrs import frozen

from booty.errors import FetchError, VerifyError

__all__ = ["unpack"]

MOST_FILES: Final = 50_000
MOST_BYTES: Final = 8 << 30
MOST_RATIO: Final = 200
"""Unpacked bytes for each packed one; programs reach 3 to 5, bombs thousands."""
SMALL: Final = 10 << 20
"""Below this size the ratio says nothing."""
SET_ID: Final = stat.S_ISUID | stat.S_ISGID


@frozen(kw_only=True)
class _Entry:
    """One entry of an archive, before anything is unpacked."""

    name: str
    size: int
    mode: int
    kind: str
    target: str = ""


def unpack(archive: Path, into: Path, kind: str, *, name: str = "") -> None:
    """Unpack an archive into an empty folder.

    Args:
        archive: the file.
        into: an existing empty folder.
        kind: ``tar.gz`` (any compression that tarfile knows), ``zip`` (a wheel is one) or ``bare``.
        name: for a bare binary: the name it gets.

    Raises:
        VerifyError: it holds something that a program's archive has no business to hold.
        FetchError: it is damaged, or the disk is full.
    """
    try:
        if kind == "bare":
            _bare(archive, into / name)
        elif kind == "zip":
            _zip(archive, into)
        else:
            _tar(archive, into)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, UnicodeError) as error:
        raise _damaged(archive, str(error)) from error
    except OSError as error:
        raise _damaged(archive, error.strerror or str(error)) from error


def _bare(archive: Path, target: Path) -> None:
    target.write_bytes(archive.read_bytes())
    target.chmod(0o755)


def _zip(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
        _judge(archive, [_of_zip(info) for info in infos])
        for info in infos:
            if not info.is_dir():
                path = Path(opened.extract(info, into))
                # zipfile forgets the mode; the executable bit is in the upper half
                path.chmod(0o755 if (info.external_attr >> 16) & 0o111 else 0o644)


def _of_zip(info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16
    kind = "file"
    if info.is_dir():
        kind = "folder"
    elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        kind = "link" if stat.S_ISLNK(mode) else "special file"
    return _Entry(name=info.filename, size=info.file_size, mode=mode, kind=kind, target="..")


def _tar(archive: Path, into: Path) -> None:
    with tarfile.open(archive, errors="strict") as opened:
        members = list(_bounded(archive, opened))
        _judge(archive, [_of_tar(member) for member in members])
        opened.extractall(into, members=members, filter="data")


def _bounded(archive: Path, opened: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for count, member in enumerate(opened, 1):
        if count > MOST_FILES:
            raise _refused(archive, f"more than {MOST_FILES} entries")
        yield member


def _of_tar(member: tarfile.TarInfo) -> _Entry:
    kind = "special file"
    if member.isreg():
        kind = "file"
    elif member.isdir():
        kind = "folder"
    elif member.issym():
        kind = "link"
    elif member.islnk():
        kind = "hard link"
    return _Entry(
        name=member.name, size=member.size, mode=member.mode, kind=kind, target=member.linkname
    )


def _judge(archive: Path, entries: Iterable[_Entry]) -> None:
    known: set[str] = set()
    total = 0
    for entry in entries:
        _judge_one(archive, entry)
        folded = str(PurePosixPath(entry.name)).casefold()
        if folded in known and entry.kind != "folder":
            raise _refused(archive, f'"{entry.name}" twice, by case')
        known.add(folded)
        total += entry.size
    packed = max(archive.stat().st_size, 1)
    if len(known) > MOST_FILES or total > MOST_BYTES:
        raise _refused(archive, f"{len(known)} entries with {total} bytes")
    if total > SMALL and total / packed > MOST_RATIO:
        raise _refused(archive, f"{total} bytes in {packed}: a size bomb")


def _judge_one(archive: Path, entry: _Entry) -> None:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.name or "\0" in entry.name:
        raise _refused(archive, f'"{entry.name}", a path that leads out')
    if not entry.name.isprintable():
        raise _refused(archive, "a name that is not printable UTF-8")
    if entry.kind == "special file":
        raise _refused(archive, f'"{entry.name}", a device or fifo')
    if entry.mode & SET_ID:
        raise _refused(archive, f'"{entry.name}" with a set-id bit')
    hard = entry.kind == "hard link"
    if "link" in entry.kind and _leads_out(path, entry.target, hard=hard):
        raise _refused(archive, f'"{entry.name}", a link that leads out')


def _leads_out(path: PurePosixPath, target: str, *, hard: bool) -> bool:
    # a hard link's target is counted from the archive's top, a symbolic one from its own folder
    if target.startswith("/"):
        return True
    depth = 0 if hard else len(path.parts) - 1
    for part in PurePosixPath(target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _refused(archive: Path, what: str) -> VerifyError:
    return VerifyError(
        f'cannot unpack "{archive.name}": it holds {what}',
        reference="hostile-archive",
        subject=archive.name,
        hint="nothing was unpacked; do not use this file",
    )


def _damaged(archive: Path, why: str) -> FetchError:
    return FetchError(
        f'cannot unpack "{archive.name}": {why}',
        reference="damaged-archive",
        subject=archive.name,
        hint="try again; if it stays so, the server gives something else than the archive",
    )
