"""Archives that are refused, each with its own reason and before a byte is written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from attrs import evolve
from booty.errors import BootyError, FetchError, VerifyError
from booty.fetch.judging import Entry, Judge
from booty.fetch.unpack import kind_of, unpack

Change = Callable[[tarfile.TarInfo], None]


def tar_with(*entries: tuple[str, Change]) -> bytes:
    """Return an archive with strange entries."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, change in entries:
            info = tarfile.TarInfo(name)
            change(info)
            content = b"x" * info.size if info.size < 1 << 20 else b""
            archive.addfile(info, io.BytesIO(content) if content else None)
    return out.getvalue()


def kind(what: bytes, target: str = "") -> Change:
    """Return a change that makes an entry of another kind."""

    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = what, target

    return change


def link(target: str) -> Change:
    """Return a change that makes a symbolic link."""
    return kind(tarfile.SYMTYPE, target)


def hard(target: str) -> Change:
    """Return a change that makes a hard link."""
    return kind(tarfile.LNKTYPE, target)


def set_id(info: tarfile.TarInfo) -> None:
    """Give an entry a set-user-id bit."""
    info.mode = 0o4755


def plain(info: tarfile.TarInfo) -> None:
    """Give an entry one byte."""
    info.size = 1


def sparse(info: tarfile.TarInfo) -> None:
    """Claim a size of a terabyte in a sparse file that holds nothing."""
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": str(1 << 40),
        "GNU.sparse.numblocks": "1",
    }


def not_utf8() -> bytes:
    """Return an archive whose only name is no UTF-8."""
    out = io.BytesIO()
    names = {"encoding": "latin-1", "format": tarfile.GNU_FORMAT}
    with tarfile.open(fileobj=out, mode="w:gz", **names) as archive:  # type: ignore[call-overload]  # test data
        archive.addfile(tarfile.TarInfo("caf\u00e9"))
    return out.getvalue()


FOLDER = kind(tarfile.DIRTYPE)
HOSTILE = {
    "absolute": tar_with(("/etc/passwd", plain)),
    "dots": tar_with(("a/../../b", plain)),
    "backslash": tar_with(("a\\..\\b", plain)),
    "line end": tar_with(("a\nb", plain)),
    "link out": tar_with(("tool", link("../../etc/passwd"))),
    "link to above": tar_with(("tool", link(".."))),
    "absolute link": tar_with(("tool", link("/etc/passwd"))),
    "link by a link": tar_with(("c", link("a/b/..")), ("a", FOLDER), ("a/b", link(".."))),
    "written through a link": tar_with(("a", link("b")), ("a/x", plain)),
    "link over a folder": tar_with(("a/x", plain), ("a", link("b"))),
    "folder over a link": tar_with(("b", FOLDER), ("a", link("b")), ("a", FOLDER)),
    "hard link out": tar_with(("tool", hard("../b"))),
    "hard link to a link": tar_with(("a", link("b")), ("c", hard("a"))),
    "hard link to nothing": tar_with(("tool", hard("b"))),
    "device": tar_with(("tool", kind(tarfile.CHRTYPE))),
    "block device": tar_with(("tool", kind(tarfile.BLKTYPE))),
    "fifo": tar_with(("tool", kind(tarfile.FIFOTYPE))),
    "set-id": tar_with(("tool", set_id)),
    "case": tar_with(("Tool", plain), ("tool", plain)),
    "accents": tar_with(("\u00e9", plain), ("e\u0301", plain)),
    "twice": tar_with(("tool", plain), ("tool", plain)),
    "behind a file": tar_with(("tool", plain), ("tool/x", plain)),
    "sparse": tar_with(("tool", sparse)),
    "many": tar_with(*((f"f{number}", lambda _: None) for number in range(50_001))),
}


WHY = {
    "absolute": "a path that leads out",
    "dots": "a path that leads out",
    "backslash": "a name with a backslash",
    "link out": "a link that leads out",
    "absolute link": "a link that leads out",
    "hard link out": "a hard link to no file",
    "device": "a device",
    "block device": "a device",
    "fifo": "a fifo",
    "set-id": "a set-id bit",
    "case": "the same but for case",
    "twice": "twice",
    "many": "more than 50000 entries",
    "sparse": "a size bomb",
}
"""What a refusal says, for each kind."""


def into_of(tmp_path: Path) -> Path:
    """Return an empty folder with something beside it that must stay as it is."""
    into = tmp_path / "outer" / "into"
    into.mkdir(parents=True)
    (into.parent / "b").write_text("mine")
    return into


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tar_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is unpacked, inside or outside."""
    archive, into = tmp_path / "a.tar.gz", into_of(tmp_path)
    archive.write_bytes(HOSTILE[name])

    with pytest.raises(VerifyError) as caught:
        unpack(archive, into, "tar")
    assert caught.value.reference == "hostile-archive"
    assert WHY.get(name, "it holds") in caught.value.message
    assert list(into.iterdir()) == []
    assert (into.parent / "b").stat().st_nlink == 1


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_name_that_is_no_utf8_is_refused(tmp_path: Path, kind: str) -> None:
    """A name that not every system can write is refused."""
    archive, into = tmp_path / "a.tar.gz", into_of(tmp_path)
    marked = zip_of(["caf\u00e9"])
    plain = bytes(marked)
    for start, offset in ((b"PK\3\4", 7), (b"PK\1\2", 9)):  # the flag is taken away
        at = plain.index(start) + offset
        plain = plain[:at] + bytes([plain[at] & ~8]) + plain[at + 1 :]
    archive.write_bytes(not_utf8() if kind == "tar" else plain)

    with pytest.raises(VerifyError, match="a name that is not UTF-8"):
        unpack(archive, into, kind)
    assert list(into.iterdir()) == []


def test_more_bytes_than_any_program(tmp_path: Path) -> None:
    """However well it is packed, nine gigabytes are no program."""
    archive = tmp_path / "a.tar"
    with archive.open("wb") as file:
        file.truncate(1 << 30)  # the ratio is a program's
    judge = Judge(archive)
    entry = Entry(name="tool", size=3 << 30, mode=0o755, kind="file")
    for number in range(2):
        judge.look(evolve(entry, name=f"tool{number}"))

    with pytest.raises(VerifyError, match="more than 8589934592"):
        judge.look(evolve(entry, name="tool2"))


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bz2.compress])
def test_a_packed_file_is_no_bomb(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """A bare binary that is packed by itself is judged while it grows."""
    kinds = {gzip.compress: "gz", lzma.compress: "xz", bz2.compress: "bz2"}
    archive, into = tmp_path / "a", into_of(tmp_path)
    archive.write_bytes(compress(bytes(40 << 20)))

    with pytest.raises(VerifyError, match="a size bomb"):
        unpack(archive, into, kinds[compress], name="tool")
    assert (into / "tool").stat().st_size < 12 << 20
    archive.write_bytes(compress(CONTENT)[:-9])
    with pytest.raises(FetchError):
        unpack(archive, tmp_path, kinds[compress], name="tool")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://x/tool-v1.2.tar.gz", "tar"), ("https://x/tool.tgz?token=1", "tar"),
        ("https://x/tool.tar.zst", "tar"), ("https://x/tool.zip", "zip"),
        ("https://x/tool.gz", "gz"), ("https://x/tool-1.2.xz", "xz"),
        ("https://x/minio.RELEASE.2025-09-07T16-13-09Z", "bare"), ("https://x/tool-1.2", "bare"),
    ],
)  # fmt: skip
def test_the_end_of_an_address_tells_the_kind(url: str, kind: str) -> None:
    """What is behind a question mark does not count, nor do versions."""
    assert kind_of(url) == kind


def test_links_inside_are_kept(tmp_path: Path) -> None:
    """Links that stay inside, as libraries have them, are unpacked as they are."""
    archive, into = tmp_path / "a.tar.gz", into_of(tmp_path)
    entries = (
        *(("lib/x.so.1", plain), ("lib/x.so", link("x.so.1"))),
        *(("bin/tool", link("../lib/x.so")), ("copy", hard("lib/x.so.1"))),
    )
    archive.write_bytes(tar_with(*entries))
    unpack(archive, into, "tar")

    assert (into / "bin/tool").resolve() == (into / "lib/x.so.1").resolve()
    assert (into / "copy").read_bytes() == b"x"


def header(what: bytes, size: int) -> bytes:
    """Return the header of an entry of a kind, by itself."""
    info = tarfile.TarInfo("tool")
    info.type, info.size = what, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("what", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME], ids=["pax", "gnu"])
def test_a_header_cannot_fill_the_memory(tmp_path: Path, what: bytes) -> None:
    """A header of a gigabyte, packed small, is refused without unpacking it."""
    archive, into = tmp_path / "a.tar.gz", into_of(tmp_path)
    archive.write_bytes(gzip.compress(header(what, 1 << 30) + b"\0" * (20 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="header"):
            unpack(archive, into, "tar")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_headers_without_end_are_damage(tmp_path: Path) -> None:
    """Ten thousand headers on one another are refused, not followed until the stack is full."""
    archive, into = tmp_path / "a.tar.gz", into_of(tmp_path)
    record = b"12 path=abcd".ljust(511, b"\0")[:12] + b"\n"
    one = header(tarfile.XHDTYPE, len(record)) + record.ljust(512, b"\0")
    archive.write_bytes(gzip.compress(one * 10_000))

    with pytest.raises(FetchError):
        unpack(archive, into, "tar")
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


def patched(data: bytes, flag: int = 0, method: int | None = None) -> bytes:
    """Return a zip whose only entry claims to be encrypted, or packed in another way."""
    done = bytearray(data)
    for start, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(start) + offset
        done[at] |= flag
        if method is not None:
            done[at + 2] = method
    return bytes(done)


@pytest.mark.parametrize(
    "data",
    [
        zip_of(["../up"]),
        zip_of(["/abs"]),
        zip_of(["a\\b"]),
        zip_of(["Tool", "tool"]),
        zip_of(["tool", "tool/x"]),
        zip_of(["link"], (stat.S_IFLNK | 0o777) << 16),
        zip_of(["deep/down/link"], (stat.S_IFLNK | 0o777) << 16),
        zip_of(["device"], (stat.S_IFCHR | 0o644) << 16),
        zip_of(["set-id"], (stat.S_IFREG | 0o4755) << 16),
        zip_of(["bomb"], size=40 << 20),
        zip_of(["fifo"], (stat.S_IFIFO | 0o644) << 16),
        zip_of([f"f{number}" for number in range(50_001)], size=0),
    ],
    ids=[
        *("dots", "absolute", "backslash", "case", "behind a file", "link", "deep link"),
        *("device", "set-id", "bomb", "fifo", "many"),
    ],
)
def test_hostile_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    """The same for zips and wheels; size bombs too."""
    archive, into = tmp_path / "a.zip", into_of(tmp_path)
    archive.write_bytes(data)

    with pytest.raises(VerifyError):
        unpack(archive, into, "zip")
    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [patched(zip_of(["tool"]), flag=1), patched(zip_of(["tool"]), method=99), b"PK", b""],
    ids=["encrypted", "unknown packing", "stump", "empty"],
)
def test_unreadable_zip_is_damaged(tmp_path: Path, data: bytes) -> None:
    """What the library cannot read is damage, whatever it raises."""
    archive, into = tmp_path / "a.zip", into_of(tmp_path)
    archive.write_bytes(data)

    with pytest.raises(FetchError):
        unpack(archive, into, "zip")


CONTENT = random.Random(1).randbytes(30_000)


def whole(kind: str) -> bytes:
    """Return a good archive."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("top/tool", CONTENT)
    else:
        with tarfile.open(fileobj=out, mode="w:gz" if kind == "tar.gz" else "w") as archive:
            info = tarfile.TarInfo("top/tool")
            info.size = len(CONTENT)
            archive.addfile(info, io.BytesIO(CONTENT))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
@pytest.mark.parametrize("tenth", range(10))
def test_cut_archive_is_damaged(tmp_path: Path, kind: str, tenth: int) -> None:
    """An archive cut anywhere is an error, never a half program."""
    data = whole(kind)
    file, into = tmp_path / "a", into_of(tmp_path)
    file.write_bytes(data[: len(data) * tenth // 10])

    with pytest.raises(FetchError):
        unpack(file, into, kind)


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_any_damage_ends_in_a_sentence(tmp_path: Path, kind: str) -> None:
    """Flipped bytes unpack to something inside or raise our own error; nothing else happens."""
    data, chance = whole(kind), random.Random(kind)
    for number in range(300):
        bad = bytearray(data)
        for _ in range(chance.choice((1, 2, 8, 40))):
            at = chance.randrange(min(len(bad), 600)) if chance.random() < 0.8 else -1
            bad[at if at >= 0 else -1 - chance.randrange(min(len(bad), 200))] = chance.randrange(
                256
            )
        file, into = tmp_path / "a", tmp_path / f"in{number}" / "to"
        file.write_bytes(bad)
        into.mkdir(parents=True)
        with suppress(BootyError):
            unpack(file, into, kind)
        assert [one.name for one in into.parent.iterdir()] == ["to"]
