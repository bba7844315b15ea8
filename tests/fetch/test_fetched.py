"""Real programs, really fetched, then run and asked what they are.

``make test`` takes those that come in seconds, and of the others what ``make test-fetch`` has left;
``make test-fetch`` takes all, from nothing, and forgives nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from booty import Artifact, ArtifactWish, FetchError, GoInstall, Platform
from booty.fetch import Lock, Store, ensure

sys.path.insert(0, str(Path(__file__).parent))

from programs import PROGRAMS, Real

ALL = os.environ.get("BOOTY_TEST_FETCH") == "all"
HERE = Platform.current()

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
