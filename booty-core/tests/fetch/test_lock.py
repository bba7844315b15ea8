"""booty.lock: the same text whoever writes it, whole or not at all, wrong in a sentence."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from attrs import evolve
from booty import Component
from booty.errors import BootyError
from booty.fetch import Lock, refuse_changes, refuse_drift
from booty.fetch import listed as remembered
from booty.fetch.lock import Locked
from booty.model.plan import Artifact, ArtifactWish
from booty.model.platform import Platform
from booty.model.source import OnPath
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


def test_what_was_only_listed_is_completed() -> None:
    """Another platform's entry has no size until it is downloaded there; then nothing else is."""
    listed = Locked(source="release", url="https://a", digest="1" * 64, trust="sums")
    lock = Lock().adding(SEVERAL[1], {"darwin-arm64": listed})
    assert lock.of("nats@2.15.0", "darwin-arm64") == (listed,)

    there = lock.adding(SEVERAL[2])
    assert there.of("nats@2.15.0", "darwin-arm64")[0].size == 5
    assert there.adding(SEVERAL[2], {"linux-amd64": listed}) == there


def test_both_sides_of_a_merge(tmp_path: Path) -> None:
    """What version control could not merge is taken from both; a base between them is left out."""
    ours, theirs = Lock().adding(SEVERAL[0]), Lock().adding(SEVERAL[4])
    head = "format = 1\n"
    bodies = [one.text().partition(head)[2] for one in (ours, theirs)]
    file = tmp_path / "booty.lock"
    file.write_text(
        f"{head}<<<<<<< ours\n{bodies[0]}||||||| base\nx = 1\n=======\n{bodies[1]}>>>>>>> theirs\n"
    )

    assert Lock.read(file, merging=True) == ours.merged(theirs) == theirs.merged(ours)
    with pytest.raises(BootyError, match="both sides of a merge"):
        Lock.read(file)


def test_sides_that_contradict(tmp_path: Path) -> None:
    """Two digests for one thing are nobody's to choose."""
    one = Lock().adding(SEVERAL[0])
    other = Lock().adding(artifact("nats@2.15.0", "linux-amd64", "wheel", "2" * 64))
    file = tmp_path / "booty.lock"
    file.write_text(f"<<<<<<< a\n{one.text()}=======\n{other.text()}>>>>>>> b\n")

    with pytest.raises(BootyError, match=r"different digests for nats@2\.15\.0 from wheel"):
        Lock.read(file, merging=True)


def test_only_what_is_used() -> None:
    """Where no profile may want them, components that nobody names go too."""
    lock = Lock()
    for one in SEVERAL:
        lock = lock.adding(one)

    assert list(lock.keeping({"nats@2.14.6"}, only=True).programs) == ["nats@2.14.6"]


def test_a_stored_program_remembers_the_others(tmp_path: Path) -> None:
    """A lock made from the store alone is the one that was made when it was downloaded."""
    stored = evolve(SEVERAL[0], path="tool/1/linux")
    others = {"darwin-arm64": Locked(source="wheel", url="u", digest="3" * 64, trust="t")}
    remembered.remember(tmp_path, stored, others)
    assert remembered.recall(tmp_path, stored) == others

    (tmp_path / ".listed" / "tool_1_linux").write_text('{"a": {"strange": 1}}')
    assert remembered.recall(tmp_path, stored) == {}
    remembered.forget(tmp_path, stored)
    assert not list((tmp_path / ".listed").iterdir())


def test_a_program_of_ones_own_is_locked_by_its_version() -> None:
    """What the user has is no drift where the lock names its version; another version is."""
    platform = Platform.parse("linux-amd64")
    component = Component(id="tool", program="tool", versions=("1", "2"), sources=(OnPath(),))
    wish = ArtifactWish(key="tool@1", component=component, version="1")
    lock = Lock(programs={"tool@1": {}})
    refuse_drift([wish, evolve(wish, key="tool@yours", binary="/tool")], lock, platform, lock)

    with pytest.raises(BootyError, match="it holds 1") as caught:
        refuse_drift([evolve(wish, key="tool@2", version="2")], lock, platform, lock)
    assert (caught.value.reference, caught.value.status) == ("lock-drift", 3)


def test_what_is_installed_here_is_not_what_is_locked() -> None:
    """An entry that would follow what is installed is a change; a size that was unknown is none."""
    platform = Platform.parse("linux-amd64")
    module = artifact("tool@1", "linux-amd64", "module")
    before = Lock().adding(evolve(module, size=0))
    refuse_changes(before, before.adding(module), platform)

    with pytest.raises(BootyError, match="what module has here is not what it holds"):
        refuse_changes(before, before.adding(evolve(module, digest="2" * 64)), platform)


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
