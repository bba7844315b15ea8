"""Programs that a provider fetches by a hook of its own: locked and judged like all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty import Component
from booty.errors import BootyError, VerifyError
from booty.fetch import Lock, silent
from booty.fetch.access import OPEN
from booty.model.plan import Artifact, ArtifactWish
from booty.model.platform import Platform
from booty.stack import programs

FOUND = Artifact(
    key="own@1.0",
    program="own",
    version="1.0",
    platform=str(Platform.current()),
    source="mirror",
    url="https://mirror.example/own",
    digest="1" * 64,
    size=5,
    trust="signed manifest",
    path="own/1.0/x",
    executable="own",
)
WISH = ArtifactWish(key="own@1.0", component=Component(id="own", program="own"), version="1.0")


class Own:
    """A provider that fetches its program itself.

    Args:
        found: what it gives.
    """

    def __init__(self, found: Artifact) -> None:
        self.found = found

    def call(self, verb: str, **_: Any) -> Any:
        """Answer the hook ``fetch``."""
        return self.found if verb == "fetch" else None


def get(found: Artifact, lock: Lock, **more: Any) -> Lock:
    """Get the program; returns the lock."""
    known: Any = {"own": Own(found)}
    options = {"mirrors": {}, "access": OPEN, "tell": silent, **more}
    return programs.get([WISH], known, lock, **options)[1]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own."""
    monkeypatch.setenv("BOOTY_HOME", str(tmp_path))


def test_it_is_locked() -> None:
    """What the hook gives stands in the lock, and stays."""
    lock = get(FOUND, Lock())

    assert [one.trust for one in lock.of("own@1.0", FOUND.platform)] == ["signed manifest"]
    assert get(FOUND, lock) == lock


def test_another_digest() -> None:
    """Other bytes than were locked are refused, whoever brings them."""
    lock = get(FOUND, Lock())
    with pytest.raises(VerifyError, match="expected") as caught:
        get(evolve(FOUND, digest="2" * 64), lock)
    assert caught.value.status == 6


def test_frozen() -> None:
    """A source that the lock does not name is a change."""
    with pytest.raises(BootyError, match="what mirror has here"):
        get(FOUND, Lock(programs={"own@1.0": {}}), keep_to_lock=True)
