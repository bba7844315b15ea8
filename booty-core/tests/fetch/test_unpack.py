"""Archives that are refused, each with its own reason and before a byte is written."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from booty.errors import FetchError, VerifyError
from booty.fetch.unpack import unpack


def tar_with(change: Callable[[tarfile.TarInfo], None], name: str = "tool") -> bytes:
    """Return an archive with one strange entry."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        change(info)
        archive.addfile(info)
    return out.getvalue()


def kind(what: bytes, target: str = "") -> Callable[[tarfile.TarInfo], None]:
    """Return a change that makes an entry of another kind."""

    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = what, target

    return change


def set_id(info: tarfile.TarInfo) -> None:
    """Give an entry a set-user-id bit."""
    info.mode = 0o4755


def plain(_: tarfile.TarInfo) -> None:
    """Leave an entry as it is."""


HOSTILE = {
    "absolute": tar_with(plain, "/etc/passwd"),
    "dots": tar_with(plain, "a/../../b"),
    "link out": tar_with(kind(tarfile.SYMTYPE, "../../etc/passwd")),
    "absolute link": tar_with(kind(tarfile.SYMTYPE, "/etc/passwd")),
    "hard link out": tar_with(kind(tarfile.LNKTYPE, "../b")),
    "device": tar_with(kind(tarfile.CHRTYPE)),
    "fifo": tar_with(kind(tarfile.FIFOTYPE)),
    "set-id": tar_with(set_id),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tar_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is unpacked, inside or outside."""
    archive, into = tmp_path / "a.tar.gz", tmp_path / "into"
    archive.write_bytes(HOSTILE[name])
    into.mkdir()

    with pytest.raises(VerifyError) as caught:
        unpack(archive, into, "tar")
    assert caught.value.reference == "hostile-archive"
    assert list(into.iterdir()) == []


def zip_of(names: list[str], attributes: int = 0o100644 << 16, size: int = 1) -> bytes:
    """Return a zip with entries of one kind."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, b"\0" * size)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        zip_of(["../up"]),
        zip_of(["/abs"]),
        zip_of(["Tool", "tool"]),
        zip_of(["link"], (stat.S_IFLNK | 0o777) << 16),
        zip_of(["bomb"], size=40 << 20),
    ],
    ids=["dots", "absolute", "case", "link", "bomb"],
)
def test_hostile_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    """The same for zips and wheels; size bombs too."""
    archive, into = tmp_path / "a.zip", tmp_path / "into"
    archive.write_bytes(data)
    into.mkdir()

    with pytest.raises(VerifyError):
        unpack(archive, into, "zip")
    assert list(into.iterdir()) == []


@pytest.mark.parametrize("tenth", range(1, 10))
def test_cut_archive_is_damaged(tmp_path: Path, tenth: int) -> None:
    """An archive cut anywhere is an error, never a half program."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        info = tarfile.TarInfo("tool")
        content = bytes(range(256)) * 200
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    data = whole.getvalue()
    file, into = tmp_path / "a.tar.gz", tmp_path / "into"
    file.write_bytes(data[: len(data) * tenth // 10])
    into.mkdir()

    with pytest.raises(FetchError):
        unpack(file, into, "tar")
