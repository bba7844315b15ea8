"""``file://``: what is peculiar to a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import booty
import pytest
from booty import clients
from booty.clients.file import names
from hypothesis import given
from hypothesis import strategies as st

Open = Callable[..., "booty.SyncBucket"]


@pytest.fixture
def bucket(tmp_path: Path):  # noqa: ANN201 - a generator of a blocking bucket
    """Give a bucket in a new folder ``files``."""
    with booty.SyncBucket.open(f"{(tmp_path / 'files').as_uri()}?create=true") as found:
        yield found


def files(folder: Path) -> list[str]:
    """Return every file below a folder."""
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


@given(st.text(min_size=1, max_size=300))
def test_every_key_has_a_path_of_its_own(key: str) -> None:
    """A key becomes a path inside the folder, with short names, and comes back from it."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    parts = names.path_of(key).split("/")
    back = [names.text_of(one, folder=True) for one in parts[:-1]]

    assert "".join(map(str, back)) + str(names.text_of(parts[-1], folder=False)) == key
    assert not {"", ".", ".."} & set(parts)
    assert max(len(one.encode()) for one in parts) <= 202


@pytest.mark.parametrize(
    "key", ["../outside", "a/../../outside", "/etc/passwd", "..", "./..", "a/..", "%2E%2E/outside"]
)
def test_no_key_climbs_out(bucket: booty.SyncBucket, tmp_path: Path, key: str) -> None:
    """Whatever a key says, its file is inside the folder, and nothing else is touched."""
    (tmp_path / "outside").write_text("mine")
    bucket.write(key, b"theirs")

    assert bucket.read(key) == b"theirs"
    assert (tmp_path / "outside").read_text() == "mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["files", "outside"]
    bucket.delete(key)
    assert list((tmp_path / "files").iterdir()) == []


def test_a_plain_object_is_a_plain_file(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """What a person finds in the folder has the names and bytes that were written."""
    bucket.write("2024/photo 1.txt", b"a text")

    assert files(tmp_path / "files") == ["2024/photo 1.txt"]
    assert (tmp_path / "files/2024/photo 1.txt").read_bytes() == b"a text"


def test_a_file_that_was_there_is_an_object(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """A folder that somebody filled is a bucket; names that no key has are left alone."""
    folder = tmp_path / "files"
    (folder / "a").mkdir()
    (folder / "a" / "page.html").write_text("<html>")
    (folder / "100%.txt").write_text("no key has this name")
    os.mkfifo(folder / "pipe")

    assert [one.key for one in bucket.list()] == ["a/page.html"]
    assert bucket.attributes("a/page.html").content_type == "text/html; charset=utf-8"
    for absent in ("pipe", "a", "100%.txt"):
        with pytest.raises(booty.NotFoundError):
            bucket.read(absent)


def test_links_are_not_followed(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """A link in the folder leads nowhere: not at the end of a key, not on its way."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret").write_text("secret")
    (tmp_path / "files" / "away").symlink_to(tmp_path / "other")
    (tmp_path / "files" / "file").symlink_to(tmp_path / "other" / "secret")

    for key in ("away/secret", "file"):
        with pytest.raises(booty.NotFoundError):
            bucket.read(key)
    with pytest.raises(booty.NotFoundError):
        bucket.write("away/new", b"x")
    assert list(bucket.list()) == []
    assert files(tmp_path / "other") == ["secret"]
    bucket.write("file", b"x")  # replaces the link, not what it leads to
    assert (tmp_path / "other" / "secret").read_text() == "secret"


def test_attributes_stand_beside_the_file(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """What bytes alone do not say is in a file of its own, which no key reaches."""
    bucket.write("a", b"x", metadata={"k": "v"}, cache_control="no-cache")

    assert files(tmp_path / "files") == ["a", "a%attrs"]
    assert json.loads((tmp_path / "files/a%attrs").read_text())["format"] == 1
    assert [one.key for one in bucket.list()] == ["a"]
    bucket.write("a%attrs", b"another key")
    assert bucket.attributes("a").metadata == {"k": "v"}
    bucket.write("a", b"plain again")
    assert files(tmp_path / "files") == ["a", "a%25attrs"]


def test_a_file_that_was_edited_has_no_stale_attributes(
    bucket: booty.SyncBucket, tmp_path: Path
) -> None:
    """Type and MD5 of other bytes are not told."""
    bucket.write("a", b"x", metadata={"k": "v"}, content_type="image/x-own")
    (tmp_path / "files" / "a").write_bytes(b"<html>")

    found = bucket.attributes("a")
    assert (found.metadata, found.md5) == ({}, None)
    assert found.content_type == "text/html; charset=utf-8"


def test_an_archive_keeps_attributes(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """A copy of the folder that keeps times, be it only in seconds, keeps attributes."""
    bucket.write("a", b"x", metadata={"k": "v"})
    file = tmp_path / "files" / "a"
    os.utime(file, (int(file.stat().st_mtime),) * 2)

    assert bucket.attributes("a").metadata == {"k": "v"}


def test_a_crash_between_attributes_and_object(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """Attributes are written first, with those of the old version: it keeps its own."""
    bucket.write("a", b"old", metadata={"k": "old"})
    file, beside = tmp_path / "files/a", tmp_path / "files/a%attrs"
    held, times = file.read_bytes(), file.stat().st_mtime_ns
    bucket.write("a", b"new one", metadata={"k": "new"})
    new = beside.read_bytes()
    file.write_bytes(held)
    os.utime(file, ns=(times, times))  # as if the rename had not come

    assert beside.read_bytes() == new
    assert bucket.attributes("a").metadata == {"k": "old"}


def test_an_object_is_in_the_way(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """A file is no folder: one of ``a`` and ``a/b`` is refused, and nothing is lost or left."""
    bucket.write("a", b"1")
    bucket.write("c/d", b"2")

    with pytest.raises(booty.FailedPreconditionError) as caught:
        bucket.write("a/b", b"x", metadata={"k": "v"})
    assert caught.value.reference == "object-in-the-way"
    with pytest.raises(booty.FailedPreconditionError):
        bucket.write("c", b"x", metadata={"k": "v"})
    assert files(tmp_path / "files") == ["a", "c/d"]


def test_empty_folders_are_not_in_the_way(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """Folders that a crash left are no objects and stop nobody."""
    (tmp_path / "files/a/b/c").mkdir(parents=True)

    assert list(bucket.list(delimiter="/")) == []
    bucket.write("a", b"x")
    assert bucket.read("a") == b"x"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is made unless it was asked for; the hint says how."""
    with booty.SyncBucket.open((tmp_path / "none").as_uri()) as missing:
        assert not missing.accessible()
        for call in (lambda: missing.write("a", b"x"), lambda: list(missing.list())):
            with pytest.raises(booty.NotFoundError) as caught:
                call()
            assert "create=true" in str(caught.value.hint)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_may_not_be_written(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """Reading works, writing is denied."""
    bucket.write("a", b"x")
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "files").chmod(0o500)

    assert bucket.read("a") == b"x"
    with pytest.raises(booty.PermissionDeniedError):
        bucket.write("b", b"x")


FULL = """
import resource, sys, booty
resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
with booty.SyncBucket.open(sys.argv[1]) as bucket:
    try:
        bucket.write("a", bytes(5 << 20))
    except booty.ResourceExhaustedError as error:
        print(error.code, bucket.read("a"), error.native.strerror)
"""


def test_no_room(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """A write that the system stops is an error of its own, and what was there stays."""
    bucket.write("a", b"old")
    done = subprocess.run(
        [sys.executable, "-c", FULL, (tmp_path / "files").as_uri()],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "resource-exhausted b'old' File too large\n", done.stderr
    assert files(tmp_path / "files") == ["a"]


def test_an_abandoned_writer_leaves_nothing(tmp_path: Path) -> None:
    """A writer that nobody closes or holds any more takes its bytes with it."""

    async def abandon() -> None:
        url = f"{(tmp_path / 'files').as_uri()}?create=true"
        async with booty.open_bucket(url) as found:
            writer = found.writer("a", content_type="text/plain")
            await writer.write(bytes(2 << 20))
            assert len(files(tmp_path / "files")) == 1
            del writer

    anyio.run(abandon)
    assert files(tmp_path / "files") == []


WRITERS = """
import sys, booty
url, me = sys.argv[1:]
with booty.SyncBucket.open(url) as bucket:
    for number in range(30):
        data = f"{me}-{number}".encode()
        bucket.write("same", data * 1000, metadata={"by": data.decode()})
        try:
            bucket.write(f"new/{number}", me.encode(), if_not_exist=True)
        except booty.FailedPreconditionError:
            continue
        bucket.write(f"won/{me}/{number}", b"")
        bucket.delete(f"won/{me}/{number}")
        bucket.write(f"won/{me}-{number}", b"")
"""


def test_several_processes(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """Three processes write the same keys: each object is one of theirs, attributes included."""
    url = (tmp_path / "files").as_uri()
    running = [
        subprocess.Popen([sys.executable, "-c", WRITERS, url, name]) for name in ("x", "y", "z")
    ]
    while any(one.poll() is None for one in running):
        if bucket.exists("same"):
            found = bucket.attributes("same")
            assert found.metadata["by"].count("-") == 1
            assert found.size == 1000 * len(found.metadata["by"])
    assert [one.wait() for one in running] == [0, 0, 0]
    assert bucket.read("same") == bucket.attributes("same").metadata["by"].encode() * 1000
    won = sorted(int(one.key.rpartition("-")[2]) for one in bucket.list("won/"))
    assert won == list(range(30))


def test_a_signed_url_is_good_for_its_time() -> None:
    """Until its time, not behind it; what was changed is refused whatever it says."""
    now = [1_000_000.0]
    signer = clients.Signer("http://127.0.0.1:1/files", b"sixteen bytes...", lambda: now[0])
    url = signer.signed("a/../b", clients.SignRequest(expiry=60))

    assert signer.verified(url, "GET", None) == "a/../b"
    now[0] += 60
    assert signer.verified(url, "GET", None) == "a/../b"
    now[0] += 1
    with pytest.raises(booty.PermissionDeniedError, match="its time is over"):
        signer.verified(url, "GET", None)
    for wrong in (url.replace("1000060", "2000060"), url[:-1] + "é", "http://127.0.0.1:1/files"):
        with pytest.raises(booty.PermissionDeniedError, match="signature"):
            signer.verified(wrong, "GET", None)


def test_native_is_the_folder(bucket: booty.SyncBucket, tmp_path: Path) -> None:
    """The way out: its path."""
    assert bucket.native(Path) == (tmp_path / "files").resolve()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file://host/folder", "three slashes"),
        ("file:///f?create=perhaps", "create"),
        ("file:///f?base_url=http://127.0.0.1:1/", "secret_file"),
        ("file:///f?base_url=x&secret_file=/nowhere", "base_url"),
        ("file:///f?base_url=http://127.0.0.1:1/&secret_file=/nowhere", "nowhere"),
    ],
)
def test_urls_that_cannot_be(url: str, words: str) -> None:
    """A wrong URL is refused before anything is touched."""
    with pytest.raises(booty.InvalidArgumentError, match=words):
        booty.open_bucket(url)


def test_a_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dot for a host begins at the working folder."""
    monkeypatch.chdir(tmp_path)
    with booty.SyncBucket.open("file://./here?create=true") as found:
        found.write("a", b"x")
    assert files(tmp_path) == ["here/a"]
