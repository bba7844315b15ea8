"""Programs from a publisher's release, by base-URL override from loopback."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from booty.errors import BootyError, FetchError, VerifyError
from booty.fetch import Lock, Store, ensure
from booty.fetch.access import Access
from booty.fetch.patience import Patience
from booty.model.plan import Artifact, ArtifactWish
from conftest_fetch import HERE, SCRIPT, STEM, Publisher, tar, wish, zipped

GOOD = tar({f"{STEM}/tool": SCRIPT})


def get(publisher: Publisher, store: Store, asked: ArtifactWish, lock: Lock | None = None) -> Any:
    """Fetch from the publisher on loopback."""
    mirrors = {"publisher.example": publisher.url}
    return ensure(
        [asked],
        platform=HERE,
        lock=lock or Lock(),
        store=store,
        mirrors=mirrors,
        access=Access(patience=Patience(tries=1)),
    )


def leftovers(store: Store) -> list[Path]:
    """Return what an unfinished installation left."""
    return [path for path in store.root.rglob("*") if "/.new-" in str(path)]


@pytest.mark.parametrize(
    ("end", "member", "data"),
    [
        (".tar.gz", f"{STEM}/tool", GOOD),
        (".tar.gz", "tool", tar({"tool": SCRIPT})),
        (".zip", "tool", zipped({"tool": SCRIPT})),
        (".zip", f"{STEM}-linux", zipped({f"{STEM}-linux": SCRIPT})),
        ("", "tool", SCRIPT),
    ],
    ids=["folder", "flat", "zip", "renamed", "bare"],
)
def test_every_shape_is_fetched_and_runs(
    publisher: Publisher, store: Store, end: str, member: str, data: bytes
) -> None:
    """Archives of all shapes end as a program in the store, vouched for by the sums file."""
    publisher.publish(data, f"{STEM}{end}")
    found, lock = get(publisher, store, wish(end, member))
    artifact = found["tool@1.2.3"]
    program = store.root / artifact.path / artifact.executable
    done = subprocess.run([program], capture_output=True, text=True, check=True)

    assert done.stdout == "real\n"
    assert artifact.trust == "publisher's sums file"
    assert lock.of("tool@1.2.3", str(HERE))[0].digest == hashlib.sha256(data).hexdigest()


def test_the_store_needs_no_network(publisher: Publisher, store: Store) -> None:
    """What is stored and locked is taken without asking anybody."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    _, lock = get(publisher, store, wish())
    publisher.seen.clear()
    get(publisher, store, wish(), lock)

    assert publisher.seen == []


def test_recorded_digest_is_the_strongest(publisher: Publisher, store: Store) -> None:
    """A digest that the component records counts, whatever the sums file says."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    digests = {f"1.2.3/{HERE}": "0" * 64}

    with pytest.raises(VerifyError) as caught:
        get(publisher, store, wish(digests=digests))
    assert caught.value.reference == "digest-mismatch"
    assert caught.value.status == 6


def test_a_flipped_byte_is_refused(publisher: Publisher, store: Store) -> None:
    """One wrong byte: refused, and nothing of it is left."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    name = next(name for name in publisher.files if name.endswith(".tar.gz"))
    publisher.files[name] = GOOD[:50] + bytes([GOOD[50] ^ 1]) + GOOD[51:]

    with pytest.raises(VerifyError):
        get(publisher, store, wish())
    assert store.list() == []
    assert list((store.root.parent / "cache").rglob("*.part")) == []


def test_sums_without_the_asset_are_refused(publisher: Publisher, store: Store) -> None:
    """A sums file that does not name the asset vouches for nothing."""
    publisher.publish(GOOD, f"{STEM}.tar.gz", sums=f"{'0' * 64}  other\n")

    with pytest.raises(VerifyError, match="does not name it"):
        get(publisher, store, wish())


def test_nothing_vouches_means_no(publisher: Publisher, store: Store) -> None:
    """Without sums and digest there is no download at all."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")

    with pytest.raises(FetchError, match="nothing vouches"):
        get(publisher, store, wish(sums=""))
    assert publisher.seen == []


def test_a_page_in_place_of_the_archive_is_refused(publisher: Publisher, store: Store) -> None:
    """A mirror that answers HTML with 200 is not believed."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    name = next(name for name in publisher.files if name.endswith(".tar.gz"))
    publisher.files[name] = b"<html>login</html>"

    with pytest.raises(VerifyError):
        get(publisher, store, wish())


def test_a_cut_download_goes_on_where_it_was(publisher: Publisher, store: Store) -> None:
    """A download that broke is resumed, and the whole is verified."""
    data = tar({f"{STEM}/tool": SCRIPT + b"#" * 300_000 + hashlib.sha256(b"x").digest()})
    publisher.publish(data, f"{STEM}.tar.gz")
    publisher.cut = len(data) // 2
    with pytest.raises(FetchError):
        get(publisher, store, wish())
    publisher.cut = None
    get(publisher, store, wish())

    assert any(asked.startswith("bytes=") for _, asked in publisher.seen)
    assert len(store.list()) == 1


def test_a_changed_file_is_begun_anew(publisher: Publisher, store: Store) -> None:
    """If the file changed meanwhile, the old part is not mixed with the new one."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    publisher.cut = len(GOOD) // 2
    with pytest.raises(FetchError):
        get(publisher, store, wish())
    publisher.cut, publisher.etag = None, '"two"'
    get(publisher, store, wish())

    assert len(store.list()) == 1


def test_a_circle_of_redirects_ends(publisher: Publisher, store: Store) -> None:
    """Redirects in a circle are given up."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    name = next(name for name in publisher.files if name.endswith(".tar.gz"))
    publisher.redirects[name] = name

    with pytest.raises(FetchError, match="redirects"):
        get(publisher, store, wish())


def test_a_changed_store_is_noticed(publisher: Publisher, store: Store) -> None:
    """A program that was changed after it was verified is not started."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    found, _ = get(publisher, store, wish())
    artifact: Artifact = found["tool@1.2.3"]
    program = store.root / artifact.path / artifact.executable
    program.chmod(0o755)
    program.write_bytes(b"#!/bin/sh\necho evil\n")

    with pytest.raises(VerifyError):
        store.check(artifact)


def test_another_architecture_is_refused(publisher: Publisher, store: Store) -> None:
    """An ELF program for another processor is named as such."""
    machine = b"\xb7\x00" if HERE.arch == "amd64" else b"\x3e\x00"
    elf = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\x00" + machine + b"\0" * 40
    publisher.publish(tar({f"{STEM}/tool": elf}), f"{STEM}.tar.gz")

    with pytest.raises(FetchError, match="is built for"):
        get(publisher, store, wish())
    assert store.list() == []
    assert leftovers(store) == []


def test_lock_survives_a_round_trip(tmp_path: Path, publisher: Publisher, store: Store) -> None:
    """A lock is written, read back equal, and not written again."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    _, lock = get(publisher, store, wish())
    file = tmp_path / "booty.lock"

    assert lock.write(file)
    assert Lock.read(file) == lock
    assert not lock.write(file)


def test_damaged_lock_is_told(tmp_path: Path) -> None:
    """A lock that cannot be read is a configuration error with its path."""
    file = tmp_path / "booty.lock"
    file.write_text("format = 9\n")

    with pytest.raises(BootyError, match="format is 9"):
        Lock.read(file)


def test_the_right_hash_of_a_wrong_file(publisher: Publisher, store: Store) -> None:
    """Sums that fit an archive of something else: told as that, and nothing is left."""
    publisher.publish(tar({f"{STEM}/another": SCRIPT}), f"{STEM}.tar.gz")

    with pytest.raises(FetchError) as caught:
        get(publisher, store, wish())
    assert "cannot find" in caught.value.message
    assert store.list() == []
    assert leftovers(store) == []
    assert list((store.root.parent / "cache" / "downloads").iterdir()) == []
