"""What a program's archive may hold. Each entry is judged when its header has been read."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from attrs import frozen

from booty.errors import VerifyError

if TYPE_CHECKING:
    import tarfile
    import zipfile

__all__ = ["Entry", "Judge", "of_tar", "of_zip"]

MOST_FILES: Final = 50_000
MOST_BYTES: Final = 8 << 30
MOST_RATIO: Final = 200
"""Unpacked bytes for each packed one; programs reach 3 to 5, bombs thousands."""
SMALL: Final = 10 << 20
"""Below this size the ratio says nothing."""
_KEPT: Final = frozenset(("file", "folder", "link", "hard link"))
_SPECIAL: Final = {
    stat.S_IFLNK: "link in a zip",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
UTF8: Final = 0x800
"""Flag of a zip's entry whose name is UTF-8; else it is whatever its maker's system wrote."""
SET_ID: Final = stat.S_ISUID | stat.S_ISGID


@frozen(kw_only=True)
class Entry:
    """One entry of an archive, before anything is unpacked.

    Attributes:
        name: path in the archive.
        size: bytes it unpacks to.
        mode: permission bits.
        kind: ``file``, ``folder``, ``link``, ``hard link``; what is never unpacked: ``device``,
            ``fifo``, ``link in a zip``, ``special file``.
        target: what a link points to.
        utf8: whether the name is UTF-8.
    """

    name: str
    size: int
    mode: int
    kind: str
    target: str = ""
    utf8: bool = True


def of_zip(info: zipfile.ZipInfo) -> Entry:
    """Describe an entry of a zip."""
    mode = info.external_attr >> 16
    kind = "folder" if info.is_dir() else "file"
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        # a link as well: zipfile would write a file that holds its target
        kind = _SPECIAL.get(stat.S_IFMT(mode), "special file")
    utf8 = info.filename.isascii() or bool(info.flag_bits & UTF8)
    return Entry(name=info.filename, size=info.file_size, mode=mode, kind=kind, utf8=utf8)


def of_tar(member: tarfile.TarInfo) -> Entry:
    """Describe an entry of a tar."""
    kind = "special file"
    if member.isreg():
        kind = "file"
    elif member.isdir():
        kind = "folder"
    elif member.issym():
        kind = "link"
    elif member.islnk():
        kind = "hard link"
    elif member.isdev():
        kind = "fifo" if member.isfifo() else "device"
    return Entry(
        name=member.name, size=member.size, mode=member.mode, kind=kind, target=member.linkname
    )


class Judge:
    """Judges one archive, entry by entry.

    Args:
        archive: the file.
    """

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._packed = max(archive.stat().st_size, 1)
        self._kinds: dict[str, str] = {}
        self._count = 0
        self._bytes = 0

    def look(self, entry: Entry) -> None:
        """Judge an entry by itself and beside those before it.

        Raises:
            VerifyError: it has no business in a program's archive.
        """
        path = PurePosixPath(entry.name)
        self._measure(entry)
        self._path(entry, path)
        if entry.kind not in _KEPT:
            raise self._refused(f'"{entry.name}", a {entry.kind}')
        if entry.mode & SET_ID:
            raise self._refused(f'"{entry.name}" with a set-id bit')
        if entry.kind == "link" and _leads_out(path, entry.target):
            raise self._refused(f'"{entry.name}", a link that leads out')
        if entry.kind == "hard link" and self._kinds.get(_key(entry.target)) != "file":
            raise self._refused(f'"{entry.name}", a hard link to no file before it')
        self._place(entry, path)

    def measure(self, size: int) -> None:
        """Judge how many bytes come out of it.

        Raises:
            VerifyError: more than a program has, or than so few packed ones can hold.
        """
        if size > MOST_BYTES:
            raise self._refused(f"{size} bytes, more than {MOST_BYTES}: a size bomb")
        if size > SMALL and size / self._packed > MOST_RATIO:
            raise self._refused(f"{size} bytes in {self._packed}: a size bomb")

    def not_utf8(self) -> VerifyError:
        """Return the refusal of a name that not every system can write."""
        return self._refused("a name that is not UTF-8")

    def _measure(self, entry: Entry) -> None:
        self._count += 1
        self._bytes += max(entry.size, 0)
        if self._count > MOST_FILES:
            raise self._refused(f"more than {MOST_FILES} entries")
        self.measure(self._bytes)

    def _path(self, entry: Entry, path: PurePosixPath) -> None:
        if not entry.utf8:
            raise self.not_utf8()
        if not entry.name.isprintable() or "\\" in entry.name:
            raise self._refused("a name with a backslash, or that cannot be printed")
        if path.is_absolute() or ".." in path.parts:
            raise self._refused(f'"{entry.name}", a path that leads out')
        if not path.parts and entry.kind != "folder":
            raise self._refused("a file without a name")

    def _place(self, entry: Entry, path: PurePosixPath) -> None:
        # one name once, whatever a file system thinks of case and accents; nothing behind a link
        for above in path.parents:
            if self._kinds.get(_key(str(above)), "folder") != "folder":
                raise self._refused(f'"{entry.name}" behind a link or a file')
            self._kinds[_key(str(above))] = "folder"
        before = self._kinds.get(_key(entry.name))
        if before is not None and not before == entry.kind == "folder":
            raise self._refused(f'"{entry.name}" twice, or the same but for case or accents')
        self._kinds[_key(entry.name)] = entry.kind

    def _refused(self, what: str) -> VerifyError:
        return VerifyError(
            f'cannot unpack "{self._archive.name}": it holds {what}',
            reference="hostile-archive",
            subject=self._archive.name,
            hint="nothing was unpacked; do not use this file",
        )


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", str(PurePosixPath(name))).casefold()


def _leads_out(path: PurePosixPath, target: str) -> bool:
    # ".." only in front: what it means behind a name depends on what that name is
    parts = PurePosixPath(target).parts
    up = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    return target.startswith("/") or up >= len(path.parts) or ".." in parts[up:]
