"""What the look at stored programs costs a start."""

from __future__ import annotations

import os
from pathlib import Path

from booty.fetch import Store, integrity
from booty.model.plan import Artifact
from measure import Case, timed

COUNT = 50


def cases(home: Path) -> list[Case]:
    """The check of 50 programs that were checked since the boot; reading them whole beside it."""
    store = Store(home / "stored")
    made = [_install(store, number) for number in range(COUNT)]

    def check() -> None:
        for one in made:
            integrity.check(store.root, one.path, one.key)

    def verify() -> None:
        for one in made:
            integrity.verify(store.root, one.path, one.key)

    return [
        Case(
            f"look at {COUNT} stored programs before a start",
            "under 5 ms",
            lambda: timed(check),
            lambda: timed(verify),
            "every byte of 50 MB",
        )
    ]


def _install(store: Store, number: int) -> Artifact:
    def fill(into: Path) -> str:
        (into / "bin").mkdir()
        (into / "bin/tool").write_bytes(os.urandom(1_000_000))
        (into / "LICENSE").write_bytes(b"text")
        return "bin/tool"

    wanted = Artifact(
        key=f"tool{number}@1.0.0", program=f"tool{number}", version="1.0.0", platform="linux-amd64",
        digest=f"{number:064x}"[::-1],
    )  # fmt: skip
    return store.install(wanted, fill)
