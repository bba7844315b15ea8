"""booty.lock: the same text whoever writes it, whole or not at all, wrong in a sentence."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from booty.errors import BootyError
from booty.fetch import Lock
from booty.fetch.lock import Locked
from booty.model.plan import Artifact
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def artifact(key: str, platform: str, source: str, digest: str = "1" * 64) -> Artifact:
    """Return an artifact as a source serves it."""
    return Artifact(
        key=key,
        program="tool",
        version=key.partition("@")[2],
        platform=platform,
        source=source,
        url=f"https://publisher.example/{source}",
        digest=digest,
        size=5,
        trust="recorded digest",
    )


SEVERAL = (
    artifact("nats@2.15.0", "linux-amd64", "wheel"),
    artifact("nats@2.15.0", "linux-amd64", "release"),
    artifact("nats@2.15.0", "darwin-arm64", "release"),
    artifact("nats@2.14.6", "linux-amd64", "release"),
    artifact("tidb/pd@8.5.0", "linux-amd64", "mirror"),
)


def test_the_order_of_fetching_does_not_show() -> None:
    """Whoever fetched first, on whatever machine: the text is the same."""
    texts = set()
    for order in itertools.permutations(SEVERAL):
        lock = Lock()
        for one in order:
            lock = lock.adding(one)
        texts.add(lock.text())

    assert len(texts) == 1
    assert lock.versions == {"nats": ("2.14.6", "2.15.0"), "tidb/pd": ("8.5.0",)}


def test_the_text_is_for_people_and_merges() -> None:
    """One value a line, one table a source: two who add different things do not collide."""
    assert Lock().adding(SEVERAL[0]).text().splitlines()[1:] == [
        "",
        "format = 1",
        "",
        '[programs."nats@2.15.0"]',
        "",
        '[programs."nats@2.15.0".linux-amd64.wheel]',
        f'digest = "{"1" * 64}"',
        "size = 5",
        'trust = "recorded digest"',
        'url = "https://publisher.example/wheel"',
    ]


def test_what_stands_there_stays() -> None:
    """The same program from the same source again changes nothing."""
    lock = Lock().adding(SEVERAL[0])

    assert lock.adding(SEVERAL[0]) == lock


def test_a_version_that_nobody_uses_goes() -> None:
    """Other versions of the same component are dropped, other components stay."""
    lock = Lock()
    for one in SEVERAL:
        lock = lock.adding(one)
    kept = lock.keeping({"nats@2.14.6"})

    assert sorted(kept.programs) == ["nats@2.14.6", "tidb/pd@8.5.0"]


@given(TEXT, TEXT, TEXT, st.integers(0, 1 << 50))
def test_any_text_survives(source: str, url: str, trust: str, size: int) -> None:
    """Quotes, backslashes, control characters: written so that they are read back."""
    one = Locked(source=source, url=url, digest="1", size=size, trust=trust)
    lock = Lock(programs={f"tool@{url}": {trust: (one,)}})

    data = tomllib.loads(lock.text())
    assert data["programs"][f"tool@{url}"][trust][source]["url"] == url


def test_a_lock_survives_the_disk(tmp_path: Path) -> None:
    """Written, read back equal, and not written again."""
    lock, file = Lock(), tmp_path / "booty.lock"
    for one in SEVERAL:
        lock = lock.adding(one)

    assert lock.write(file)
    assert Lock.read(file) == lock
    assert not lock.write(file)
    assert [one.name for one in tmp_path.iterdir()] == ["booty.lock"]


@pytest.mark.parametrize(
    "text",
    [
        "format = 9",
        "programs = 1",
        "<<<<<<< ours\nformat = 1",
        "format = 1\nprograms = 1",
        'format = 1\n[programs."a@1"]\nx = 1',
        'format = 1\n[programs."a@1".p.s]\nurl = 1',
        'format = 1\n[programs."a@1".p.s]\nsize = "1"',
        'format = 1\n[programs."a@1".p.s]\nstrange = ""',
        'format = 1\n[[programs."a@1".p]]\nsource = ""',
        "\x00",
    ],
)
def test_a_damaged_lock_is_told(tmp_path: Path, text: str) -> None:
    """Whatever is wrong with it: a configuration error with the file's path and what to do."""
    file = tmp_path / "booty.lock"
    file.write_text(text)

    with pytest.raises(BootyError, match="cannot read") as caught:
        Lock.read(file)
    assert caught.value.reference == "lock-unreadable"
    assert caught.value.status == 3
