"""Real programs, really fetched, then run and asked what they are.

``make test`` takes those that come in seconds, and of the others what ``make test-fetch`` has left;
``make test-fetch`` takes all, from nothing, and forgives nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from booty import Artifact, ArtifactWish, FetchError, GoInstall, Platform
from booty.fetch import Lock, Store, assembled, ensure
from booty.fetch.bundle import FORMAT, HEAD, KIND, Bundle
from booty.fetch.bundle import PROGRAMS as CARRIED
from booty.fetch.parcel import pack

sys.path.insert(0, str(Path(__file__).parent))

from programs import PROGRAMS, Real

ALL = os.environ.get("BOOTY_TEST_FETCH") == "all"
HERE = Platform.current()
TOGETHER = [one for one in PROGRAMS if one.component.sources[0].kind in {"deb", "go"}]

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(4000)]


@pytest.fixture
def store(real: Real, workspace: Path, shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store of this run; for what takes minutes the one that is kept in the workspace."""
    home = shared_home if real.quick and not ALL else workspace / ".fetched"
    monkeypatch.setenv("BOOTY_HOME", str(home))
    return Store(home / "store")


@pytest.mark.parametrize("real", [pytest.param(one, id=one.name) for one in PROGRAMS])
def test_fetched(real: Real, store: Store) -> None:
    """It comes, is what it was asked for, and says so itself."""
    artifact, lock = fetched(real, store)

    store.check(artifact)
    program = store.root / artifact.path / artifact.executable
    done = subprocess.run([program, *real.asks], capture_output=True, text=True, check=True)
    assert real.says.format(version=artifact.version) in done.stdout + done.stderr
    assert lock.of(artifact.key, str(HERE))[0].digest == artifact.digest
    if isinstance(real.component.sources[0], GoInstall):
        assert artifact.h1.startswith("h1:")
        assert artifact.toolchain.startswith("go1.")


@pytest.mark.parametrize("real", [pytest.param(one, id=one.name) for one in TOGETHER])
def test_carried(real: Real, store: Store, tmp_path: Path) -> None:
    """What was built or put together here comes out of a bundle as the same program, and runs."""
    artifact, lock = fetched(real, store)
    digest = assembled.pack(store, artifact, tmp_path / "one.tar")
    assert digest == assembled.pack(store, artifact, tmp_path / "two.tar")
    head = json.dumps({"format": FORMAT, "kind": KIND}).encode()
    files = [(HEAD, head), (f"{CARRIED}/{digest}/one.tar", tmp_path / "one.tar")]
    pack(tmp_path / "bundle.tar", files)
    wish = ArtifactWish(key=artifact.key, component=real.component, version=artifact.version)
    other, known = Store(tmp_path / "other"), lock.packing(artifact, digest)
    with Bundle(tmp_path / "bundle.tar") as bundle:
        found, after = ensure([wish], platform=HERE, lock=known, store=other, bundle=bundle)

    assert after == known
    carried = found[artifact.key]
    assert evolve(carried, path=artifact.path) == artifact
    done = subprocess.run(
        [other.root / carried.path / carried.executable, *real.asks],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert real.says.format(version=artifact.version) in done.stdout + done.stderr


def fetched(real: Real, store: Store) -> tuple[Artifact, Lock]:
    """Get a program in the first of its versions that can be had."""
    refusals, source = [], real.component.sources[0].name
    for version in real.versions:
        key = f"{real.component.id}@{version}"
        if not real.quick and not ALL and not store.find(key, str(HERE), source=source):
            pytest.skip(f"{key} takes minutes to build, and none is there yet: make test-fetch")
        wish = ArtifactWish(key=key, component=real.component, version=version, source=source)
        try:
            found, lock = ensure([wish], platform=HERE, lock=Lock(), store=store)
        except FetchError as error:
            if error.reference != "no-source":
                raise
            refusals.append(error.message)
        else:
            return found[key], lock
    if ALL:
        pytest.fail("\n".join(refusals))
    return pytest.skip(refusals[-1])
