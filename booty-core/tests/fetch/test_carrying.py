"""What is carried from store to store is judged like any stranger's archive."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from booty.errors import FetchError, VerifyError
from booty.fetch import Store
from booty.fetch.carrying import bring, carry
from booty.fetch.parcel import Parcel, pack
from booty.model.plan import Artifact

TOOL = Artifact(
    key="tool@1.0", program="tool", version="1.0", platform="linux-amd64", source="release",
    url="https://publisher.example/tool", digest="1" * 64, size=3, trust="recorded digest",
)  # fmt: skip


def fill(into: Path) -> str:
    """Put a program with a library and a link to it into a folder."""
    (into / "lib").mkdir()
    (into / "tool").write_bytes(b"program")
    (into / "tool").chmod(0o755)
    (into / "lib/one.so.1").write_bytes(b"library")
    (into / "lib/one.so").symlink_to("one.so.1")
    return "tool"


@pytest.fixture
def export(store: Store, tmp_path: Path) -> Path:
    """An export of one program."""
    carry(store, [store.install(TOOL, fill)], tmp_path / "export.tar")
    return tmp_path / "export.tar"


def again(export: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[Any, bytes]]) -> None:
    """Write an export anew with its program's tar changed, entry by entry."""
    with Parcel(export) as parcel:
        names = parcel.names
        content = {name: parcel.read(name) for name in names}
    (inner,) = (name for name in names if name.endswith(".tar"))
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content[inner])) as before,
        tarfile.open(fileobj=out, mode="w") as after,
    ):
        for member in before:
            file = before.extractfile(member) if member.isreg() else None
            made, data = change(member, file.read() if file else b"")
            made.size = len(data)
            after.addfile(made, io.BytesIO(data))
    pack(export, [*((n, d) for n, d in content.items() if n != inner), (inner, out.getvalue())])


def test_links_and_modes_arrive(export: Path, tmp_path: Path) -> None:
    """The same files, links and executable bits; read-only, and said to be imported."""
    other = Store(tmp_path / "other")
    ((made,), known) = bring(other, export)
    place = other.root / made.path

    assert known == []
    assert made.trust == "imported: recorded digest"
    assert (place / "lib/one.so").readlink() == Path("one.so.1")
    assert (place / "tool").stat().st_mode & 0o777 == 0o555
    assert (place / "lib/one.so.1").stat().st_mode & 0o777 == 0o444
    other.verify(made)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("tool", {"name": "../../tool"}),
        ("tool", {"name": "/tmp/tool"}),
        ("tool", {"mode": 0o4755}),
        ("lib/one.so", {"linkname": "../../../etc/passwd"}),
        ("lib/one.so.1", {"name": "LIB/ONE.SO"}),
        ("lib/one.so", {"type": tarfile.FIFOTYPE}),
    ],
)
def test_hostile_entries_are_refused(
    export: Path, tmp_path: Path, name: str, change: dict[str, Any]
) -> None:
    """What no program's archive may hold is refused before anything of it is in the store."""

    def hostile(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == name:
            for key, value in change.items():
                setattr(member, key, value)
        return member, data

    again(export, hostile)
    other = Store(tmp_path / "other")
    with pytest.raises(VerifyError) as caught:
        bring(other, export)

    assert caught.value.reference == "hostile-archive"
    assert other.list() == []
    assert list(other.root.iterdir()) == []


@pytest.mark.parametrize(
    "record",
    [
        {"program": "../../../evil"},
        {"version": "a/b"},
        {"platform": ".hidden"},
        {"digest": "../x"},
        {"executable": "../../bin/sh"},
        {"executable": "absent"},
        {"size": "many"},
        {"program": None},
    ],
)
def test_a_record_that_leads_elsewhere_is_refused(
    export: Path, tmp_path: Path, record: dict[str, Any]
) -> None:
    """What a stranger's record says becomes no path outside of the store."""

    def lying(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "entry.json":
            entry = json.loads(data)
            entry["artifact"] |= record
            data = json.dumps(entry).encode()
        return member, data

    again(export, lying)
    other = Store(tmp_path / "other")
    with pytest.raises(VerifyError):
        bring(other, export)

    assert other.list() == []
    assert list(other.root.iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_a_changed_program_is_not_exported(store: Store, tmp_path: Path) -> None:
    """What is no longer what was verified is not handed on; no file is written."""
    made = store.install(TOOL, fill)
    file = store.root / made.path / "tool"
    file.chmod(0o755)
    file.write_bytes(b"changed")

    with pytest.raises(VerifyError, match="was changed"):
        carry(store, [made], tmp_path / "export.tar")
    assert not list(tmp_path.glob("*export*"))


def test_what_is_there_stays(export: Path, store: Store) -> None:
    """A program that the store has is neither replaced nor called imported."""
    fresh, (known,) = bring(store, export)

    assert fresh == []
    assert known.trust == TOOL.trust
    assert store.find(TOOL.key, TOOL.platform) == known


def test_no_export_at_all(store: Store, tmp_path: Path) -> None:
    """Another tar, or none, is told from an export."""
    (tmp_path / "none").write_bytes(b"no tar")
    pack(tmp_path / "other.tar", [("store.json", b"{}")])
    for name, reference in (("none", "parcel-unreadable"), ("other.tar", "not-an-export")):
        with pytest.raises(FetchError) as caught:
            bring(store, tmp_path / name)
        assert caught.value.reference == reference
