"""What counts as installed is whole, whoever is killed, and stays what it was."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty.errors import FetchError, VerifyError
from booty.fetch import Lock, Progress, Store, Tell, ensure
from booty.fetch.lock import Locked
from booty.model.plan import Artifact, ArtifactWish
from booty.model.source import OnPath, Release
from conftest_fetch import BASE, HERE, SCRIPT, STEM, Publisher, tar, wish

GOOD = tar({f"{STEM}/tool": SCRIPT})


def get(
    publisher: Publisher,
    store: Store,
    *wishes: ArtifactWish,
    lock: Lock | None = None,
    tell: Tell | None = None,
) -> tuple[Any, Lock, list[Progress]]:
    """Fetch from the publisher on loopback."""
    told: list[Progress] = []
    found, lock = ensure(
        wishes or [wish()],
        platform=HERE,
        lock=lock or Lock(),
        store=store,
        mirrors={"publisher.example": publisher.url},
        tell=tell or told.append,
    )
    return found, lock, told


@pytest.fixture
def installed(publisher: Publisher, store: Store) -> Artifact:
    """The tool in the store."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    found: Artifact = get(publisher, store)[0]["tool@1.2.3"]
    return found


def program(store: Store, artifact: Artifact) -> Path:
    """Return the program's file."""
    return store.root / artifact.path / artifact.executable


def test_killed_anywhere_nothing_half_counts(publisher: Publisher, tmp_path: Path) -> None:
    """Killed at every touch of the disk: whole or not there, and the next fetch goes well.

    So it is killed when half of the archive is unpacked, too.
    """
    several = {f"{STEM}/README.md": b"read me", f"{STEM}/tool": SCRIPT, f"{STEM}/LICENSE": b"free"}
    publisher.publish(tar(several), f"{STEM}.tar.gz")
    script = Path(__file__).parent / "kill_everywhere.py"
    done = subprocess.run(
        [sys.executable, script, publisher.url, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert int(done.stdout) > 30, done.stdout


def test_ten_at_once_download_once(publisher: Publisher, store: Store, tmp_path: Path) -> None:
    """Ten fetches at the same time: one download, ten whole answers."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from kill_everywhere import fetch; print(fetch(sys.argv[2], Path(sys.argv[3])).path)"
    )
    argv = [sys.executable, "-c", code, Path(__file__).parent, publisher.url, store.root.parent]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(10)]
    said = {one.communicate()[0] for one in running}

    assert [one.returncode for one in running] == [0] * 10
    assert len(said) == 1
    assert [path for path, _ in publisher.seen].count(f"{BASE}/{STEM}.tar.gz") == 1


def test_two_components_of_one_archive(publisher: Publisher, store: Store) -> None:
    """Two programs out of the same archive, fetched side by side, do not write over one another."""
    data = tar({f"{STEM}/tool": SCRIPT, f"{STEM}/other": SCRIPT + os.urandom(3_000_000)})
    publisher.publish(data, f"{STEM}.tar.gz")
    other = wish(member=f"{STEM}/other")
    other = evolve(
        other, key="other@1.2.3", component=evolve(other.component, id="other", program="other")
    )
    found, _, _ = get(publisher, store, wish(), other)

    for artifact in found.values():
        store.check(artifact)
    assert hashlib.sha256(data).hexdigest() == found["other@1.2.3"].digest


def test_a_read_only_store_serves(installed: Artifact, publisher: Publisher, store: Store) -> None:
    """What is stored needs no lock and no write; a store in an image may be read-only."""
    locks = store.root / ".locks"
    for file in locks.iterdir():
        file.unlink()
    locks.rmdir()
    locks.write_text("nothing can be written below a file")
    publisher.seen.clear()
    found, _, _ = get(publisher, store)

    assert found["tool@1.2.3"] == installed
    assert publisher.seen == []


ODD = {"key": "tool@1.2.3", "program": "tool", "version": "1.2.3", "platform": "x", "size": "many"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"format": 1}', '{"format": 1, "files": {}}'),
        json.dumps({"format": 1, "files": {}, "artifact": ODD}),
    ],
)
def test_a_damaged_entry_is_made_again(
    installed: Artifact, publisher: Publisher, store: Store, text: str
) -> None:
    """A folder whose record cannot be read was never complete: it is fetched again."""
    (store.root / installed.path / "entry.json").write_text(text)
    found, _, _ = get(publisher, store)

    store.check(found["tool@1.2.3"])
    assert program(store, installed).read_bytes() == SCRIPT


@pytest.mark.parametrize("what", ["content", "same size", "gone", "link", "mode"])
def test_any_change_is_noticed(
    installed: Artifact, publisher: Publisher, store: Store, what: str
) -> None:
    """Whatever was changed since: refused, with the folder to remove; then fetched anew."""
    store.check(installed)
    file = program(store, installed)
    before = file.stat()
    file.chmod(0o755)
    if what == "content":
        file.write_bytes(b"#!/bin/sh\necho other\n")
    elif what == "same size":
        file.write_bytes(SCRIPT.replace(b"real", b"evil"))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.utime(store.root / ".checked" / installed.path.replace("/", "_"))
    elif what != "mode":
        file.unlink()
    if what == "link":
        file.symlink_to("/bin/sh")
    if what == "mode":  # looked at again, and found to be the same
        store.check(installed)
        return
    if what == "same size":  # the next boot looks at every byte
        (store.root / ".checked" / installed.path.replace("/", "_")).write_text("another boot")
    with pytest.raises(VerifyError) as caught:
        store.check(installed)

    assert caught.value.reference == "store-changed"
    assert str(store.root / installed.path) in caught.value.hint


@pytest.mark.parametrize("recorded", [[], {}, {"sha256": []}, {"sha256": 5}, "x"])
def test_a_record_that_says_nothing_vouches_for_nothing(
    installed: Artifact, store: Store, recorded: Any
) -> None:
    """A record of another shape is no reason to start the program, and no fault of ours."""
    file = store.root / installed.path / "entry.json"
    entry = json.loads(file.read_text())
    entry["files"] = dict.fromkeys(entry["files"], recorded)
    file.write_text(json.dumps(entry))

    with pytest.raises(VerifyError):
        store.check(installed)


def test_a_store_that_was_copied_is_read_once(installed: Artifact, store: Store) -> None:
    """After a full look, inode, size and time are enough, also where they are new ones."""
    file = program(store, installed)
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    store.check(installed)
    checked = store.root / ".checked" / installed.path.replace("/", "_")
    inode = checked.stat().st_ino
    store.check(installed)

    assert json.loads(checked.read_text())[1][installed.executable][0] == file.stat().st_ino
    assert checked.stat().st_ino == inode  # not written again: nothing was read again


def test_our_own_name_is_refused(publisher: Publisher, store: Store) -> None:
    """An archive may not bring the record that says it is whole."""
    publisher.publish(tar({f"{STEM}/tool": SCRIPT, "entry.json": b"{}"}), f"{STEM}.tar.gz")

    with pytest.raises(FetchError, match="a name that the store needs"):
        get(publisher, store)
    assert store.list() == []


def locked(digest: str, **more: Any) -> Lock:
    """Return a lock that says what the publisher served."""
    return Lock(
        programs={"tool@1.2.3": {str(HERE): (Locked(source="release", digest=digest, **more),)}}
    )


def test_the_locked_digest_counts(publisher: Publisher, store: Store) -> None:
    """A publisher who replaced his archive and his sums is refused by the lock."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")

    with pytest.raises(VerifyError) as caught:
        get(publisher, store, lock=locked("1" * 64))
    assert caught.value.status == 6
    assert store.list() == []


def test_lock_and_provider_may_not_differ(publisher: Publisher, store: Store) -> None:
    """A provider that records another digest than the lock changes nothing quietly."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    digest = hashlib.sha256(GOOD).hexdigest()
    asked = wish(digests={f"1.2.3/{HERE}": digest})

    with pytest.raises(VerifyError, match="lock says"):
        get(publisher, store, asked, lock=locked("1" * 64))
    assert publisher.seen == []


def test_a_fallback_adds_and_changes_nothing(publisher: Publisher, store: Store) -> None:
    """A second source adds its entry beside the first one's, which stays as it is."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    digest = hashlib.sha256(GOOD).hexdigest()
    asked = wish()
    silent = Release(
        name="old", url="https://old.invalid/x", member="x", sums="https://old.invalid/s"
    )
    asked = evolve(
        asked, component=evolve(asked.component, sources=(silent, *asked.component.sources))
    )
    first = Locked(source="old", url="https://old.invalid/x", digest="2" * 64, size=1, trust="x")
    before = Lock(programs={"tool@1.2.3": {str(HERE): (first,), "other-cpu": (first,)}})
    _, after, told = get(publisher, store, asked, lock=before)

    mine = after.of("tool@1.2.3", str(HERE))
    assert [one.source for one in mine] == ["old", "release"]
    assert mine[0] == first
    assert mine[1].digest == digest
    assert after.of("tool@1.2.3", "other-cpu") == (first,)
    assert [one.source for one in told if one.phase == "refused"] == ["old"]


def test_the_store_is_a_fallback_too(installed: Artifact, store: Store) -> None:
    """A lock that names only a source out of reach, no network, the program in the store: taken."""
    first = Locked(source="old", url="https://old.invalid/x", digest="2" * 64)
    asked = wish()
    silent = Release(
        name="old", url="https://old.invalid/x", member="x", sums="https://old.invalid/s"
    )
    asked = evolve(
        asked, component=evolve(asked.component, sources=(silent, *asked.component.sources))
    )
    lock = Lock(programs={"tool@1.2.3": {str(HERE): (first,)}})
    found, after = ensure([asked], platform=HERE, lock=lock, store=store)

    assert found["tool@1.2.3"] == installed
    assert [one.source for one in after.of("tool@1.2.3", str(HERE))] == ["old", "release"]


def test_yours_is_not_locked_for_others(store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    """A program found on PATH locks its version, and no path or digest of this machine."""
    (tmp_path / "tool").write_bytes(SCRIPT)
    (tmp_path / "tool").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    asked = wish()
    asked = evolve(asked, component=evolve(asked.component, sources=(OnPath(),)))
    found, lock = ensure([asked], platform=HERE, lock=Lock(), store=store)

    assert found["tool@1.2.3"].trust.startswith("yours")
    assert "tool@1.2.3" in lock.text()
    assert str(tmp_path) not in lock.text()


def test_waiting_for_another_is_told(publisher: Publisher, store: Store) -> None:
    """Who waits for another process's download says so."""
    publisher.publish(GOOD, f"{STEM}.tar.gz")
    told: queue.SimpleQueue[Progress] = queue.SimpleQueue()
    with ThreadPoolExecutor(1) as pool:
        with store.locked("get-tool@1.2.3"):
            pending = pool.submit(get, publisher, store, tell=told.put)
            first = told.get(timeout=60)
        pending.result(60)

    assert first.phase == "waiting"


@pytest.mark.parametrize(
    ("asked", "why", "hint"),
    [
        ({"source": "release"}, "release: it has 9.9.9 only", 'version = "9.9.9"'),
        ({"source": "other"}, 'no source is called "other"', "mirror"),
        ({"tested": False}, "release: it has 9.9.9 only", "tested versions: 1.2.3"),
    ],
)
def test_nobody_has_it(store: Store, asked: dict[str, Any], why: str, hint: str) -> None:
    """Every source and why not, and what can be typed."""
    one = wish(versions=("9.9.9",))

    with pytest.raises(FetchError) as caught:
        ensure([evolve(one, **asked)], platform=HERE, lock=Lock(), store=store)
    assert why in caught.value.message
    assert hint in str(caught.value.hint)
