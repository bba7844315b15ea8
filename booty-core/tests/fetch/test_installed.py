"""Programs that the user has: asked for their version, recorded, called "yours"."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from booty import ArtifactWish, Component, OnPath, Source
from booty.errors import FetchError
from booty.fetch import Lock, Progress, Store, ensure
from booty.model.plan import Artifact
from conftest_fetch import HERE

SAYS = "#!/bin/sh\necho tool $0 version v{} built today\n"


def program(path: Path, version: str = "1.2.3") -> Path:
    """Put a program somewhere that says its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SAYS.format(version))
    path.chmod(0o755)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def wish(*sources: Source, version: str = "1.2.3", **more: Any) -> ArtifactWish:
    """Return a wish for the user's own tool."""
    given = sources or (OnPath(),)
    component = Component(id="tool", program="tool", versions=("1.2.3",), sources=given)
    return ArtifactWish(key="tool@1.2.3", component=component, version=version, **more)


def get(store: Store, asked: ArtifactWish, told: list[Progress] | None = None) -> Artifact:
    """Fetch what is here already."""
    tell = (told if told is not None else []).append
    found, _ = ensure([asked], platform=HERE, lock=Lock(), store=store, tell=tell)
    return found["tool@1.2.3"]


def test_version_of_something_else(here: Path, store: Store) -> None:
    """The number of what it was built with is not taken for its own."""
    program(here / "tool", "DEVELOPMENT\nRuntime: go1.26.8 linux/amd64")

    assert get(store, wish()).trust == "yours, says version nothing"


@pytest.mark.parametrize("says", ["1.2.3", "1.2.3-4+deb12"])
def test_on_path(here: Path, store: Store, says: str) -> None:
    """It is asked its version, its digest is recorded, and it is called yours."""
    path = program(here / "tool", says)
    artifact = get(store, wish())

    assert artifact.trust == f"yours, says version {says}"
    assert artifact.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (artifact.path, artifact.executable) == (str(here), "tool")
    assert store.list() == []


@pytest.mark.parametrize("says", ["1.2.2", "1.2.30", "1.2.3.1", "11.2.3"])
def test_another_version_on_path(here: Path, store: Store, tmp_path: Path, says: str) -> None:
    """One that says another version does not serve, and the next source does."""
    program(here / "tool", says)
    other = program(tmp_path / "other" / "tool")
    told: list[Progress] = []
    artifact = get(store, wish(OnPath(), OnPath(name="other", binary=str(other))), told)

    assert artifact.source == "other"
    notes = [one.note for one in told if one.phase == "refused"]
    assert notes == [f'"{here}/tool" says version {says}']


def test_binary(store: Store, tmp_path: Path) -> None:
    """What ``binary`` names has the version that it says, unless the user names another."""
    path = str(program(tmp_path / "tool", "7.0"))

    assert get(store, wish(version="", binary=path)).version == "7.0"
    with pytest.raises(FetchError, match=r'tool" says version 7\.0'):
        get(store, wish(binary=path))


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\nprintf '\\377'\n", ""])
def test_one_that_says_nothing(here: Path, store: Store, text: str) -> None:
    """A program that cannot say its version is still the user's own."""
    program(here / "tool").write_text(text)

    assert get(store, wish()).trust == "yours, says version nothing"


def test_one_that_is_not_asked(here: Path, store: Store) -> None:
    """Without arguments to ask by, it is not run at all."""
    (here / "tool").write_text(f"#!/bin/sh\ntouch {here}/was-run\n")
    (here / "tool").chmod(0o755)

    assert get(store, wish(OnPath(version_args=()))).trust == "yours"
    assert not (here / "was-run").exists()


def test_links(here: Path, store: Store, tmp_path: Path) -> None:
    """A link to a version is followed once; one of many names of one file keeps its name."""
    target = program(tmp_path / "tool-1.2.3" / "tool")
    (here / "tool").symlink_to(target)
    assert get(store, wish()).path == str(target.parent)

    (here / "tool").unlink()
    (here / "tool").symlink_to(program(tmp_path / "many"))
    artifact = get(store, wish())
    assert (artifact.path, artifact.executable) == (str(here), "tool")


def test_none(here: Path, store: Store) -> None:
    """Where there is none, it says so."""
    with pytest.raises(FetchError, match='on-path: no "tool" on PATH'):
        get(store, wish())
