"""What a look knows of programs: as much as can be had without a network, and nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from booty import ArtifactWish, Component, Module, OnPath, Source
from booty.fetch import Lock, Store, at_hand, ensure
from conftest_fetch import HERE, STEM, Publisher, tar, wish


def of(*sources: Source, **more: Any) -> ArtifactWish:
    """Return a wish for a program from these sources."""
    component = Component(id="tool", program="sh", versions=("1.0",), sources=sources)
    return ArtifactWish(key="tool@1.0", component=component, version="1.0", **more)


@pytest.mark.parametrize(
    "asked",
    [
        of(Module(module="pytest", distribution="pytest")),
        of(OnPath(version_args=("-c", "echo 1.0"))),
        of(Module(module="x", distribution="not-installed"), OnPath(binary="/bin/sh")),
        of(binary="/bin/sh"),
    ],
    ids=["module", "on-path", "second", "binary"],
)
def test_what_is_here_is_known(store: Store, asked: ArtifactWish) -> None:
    """The same artifact that a start would take, so that a look tells no change where none is."""
    taken, _ = ensure([asked], platform=HERE, lock=Lock(), store=Store(store.root.parent / "other"))

    assert at_hand(asked, platform=HERE, lock=Lock(), store=store) == taken["tool@1.0"]
    assert not store.root.exists()


def test_what_must_be_fetched_is_not(publisher: Publisher, store: Store) -> None:
    """A source that stands before the one that is here may serve; once it has, the store knows."""
    publisher.publish(tar({f"{STEM}/tool": b"#!/bin/sh\n"}), f"{STEM}.tar.gz")
    first = wish()
    component = evolve(
        first.component, sources=(*first.component.sources, OnPath(binary="/bin/sh"))
    )
    asked = evolve(first, component=component)
    before = at_hand(asked, platform=HERE, lock=Lock(), store=store)
    mirrors = {"publisher.example": publisher.url}
    taken, lock = ensure([asked], platform=HERE, lock=Lock(), store=store, mirrors=mirrors)

    assert before is None
    assert at_hand(asked, platform=HERE, lock=lock, store=store) == taken["tool@1.2.3"]


def test_what_is_nowhere(store: Store, tmp_path: Path) -> None:
    """Nothing is known, and nothing is wrong yet."""
    asked = of(OnPath(binary=str(tmp_path / "nothing")))

    assert at_hand(asked, platform=HERE, lock=Lock(), store=store) is None
