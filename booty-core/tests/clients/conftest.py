"""A distribution that declares a scheme, installed in a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

MODULE = """
from booty import clients

def made(location):
    return location

driver = clients.Driver(
    bucket=clients.Opener(
        open=made,
        parameters=(
            clients.Parameter(name="region", choices=("north", "south")),
            clients.Parameter(name="path_style", kind="flag", default=True),
            clients.Parameter(name="retries", kind="number", default=3),
            clients.Parameter(name="part_size", kind="size"),
            clients.Parameter(name="timeout", kind="duration", default=5.0),
        ),
    )
)
"""
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a distribution with one scheme, importable from now on."""

    def put(scheme: str, module: str = MODULE, name: str = "theirs") -> Path:
        place = tmp_path / name
        info = place / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[booty.drivers]\n{scheme} = {name}_driver:driver\n"
        )
        (place / f"{name}_driver.py").write_text(module)
        monkeypatch.syspath_prepend(str(place))
        monkeypatch.delitem(sys.modules, f"{name}_driver", raising=False)
        return place

    return put
