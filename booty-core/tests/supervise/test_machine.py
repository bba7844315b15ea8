"""The table of states."""

from __future__ import annotations

from pathlib import Path

import pytest
from booty.model.state import State
from booty.run.loop import Loop
from booty.supervise import machine
from booty.supervise.journal import Journal
from booty.supervise.rows import Rows
from booty.supervise.state import Folder
from booty.supervise.unit import Unit

ALLOWED = [(old, new) for old, following in machine.EDGES.items() for new in sorted(following)]
FORBIDDEN = [
    (old, new)
    for old in machine.EDGES
    for new in machine.EDGES
    if old != new and new not in machine.EDGES[old]
]


def unit(tmp_path: Path, state: str) -> Unit:
    """Return an instance in a state."""
    folder = Folder(tmp_path)
    folder.make()
    loop = Loop()
    entry = {"name": "it.0", "kind": "service", "ready": None}
    made = Unit(loop, Rows(folder.instances), Journal(folder.events, loop.clock), entry)
    made.row["state"] = state
    return made


def test_states_are_those_of_ps() -> None:
    """The table speaks of the states that users see, and of no others."""
    assert set(machine.EDGES) == {str(state) for state in State}


@pytest.mark.parametrize(("old", "new"), ALLOWED)
def test_every_edge_can_be_walked(tmp_path: Path, old: str, new: str) -> None:
    """Each edge of the table is walked, and written down."""
    it = unit(tmp_path, old)
    it.to(new, "why")
    it.save()

    assert it.state == new
    assert f'"to": "{new}"' in (tmp_path / "events.jsonl").read_text()
    assert f'"state": "{new}"' in (tmp_path / "state/instances.jsonl").read_text()


@pytest.mark.parametrize(("old", "new"), FORBIDDEN)
def test_nothing_else_can(tmp_path: Path, old: str, new: str) -> None:
    """A transition that is not in the table is a fault of ours."""
    with pytest.raises(machine.StateError):
        unit(tmp_path, old).to(new)


def test_the_page_draws_every_edge() -> None:
    """docs/explanation/states.md has a line for each state with all that can follow."""
    page = Path(__file__).parents[3] / "docs/explanation/states.md"
    text = page.read_text()
    for old, following in machine.EDGES.items():
        assert f"| {old} | {' '.join(sorted(following))} |" in text
