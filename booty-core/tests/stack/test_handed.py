"""What is needed of a saved plan to hand it over again is remembered beside its digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from booty.model.plan import Plan
from booty.stack import plans, replicas
from booty.stack.place import Place

PLAN = Plan(
    stack={},
    inputs="i",
    services={
        "bus": {"clients": {"nats": "m:x"}, "replicas_asked": {"": 1}, "hooks": ["health"]},
        "web": {"replicas_asked": {"": 2}, "instances": ["web.0"]},
        "quiet": {"replicas_asked": {"": 1}},
    },
    secrets=({"name": "bus.main", "number": 1, "kind": "password", "forms": ["bcrypt"]},),
    scale={"web": 3},
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A stack's folders."""
    (tmp_path / ".booty/plans").mkdir(parents=True)
    return Place(tmp_path, tmp_path / "booty.toml", tmp_path / ".booty")


def save(place: Place, name: str, data: dict[str, Any]) -> None:
    """Write a file of the plans."""
    (place.state / "plans" / name).write_text(json.dumps(data))


def test_it_is_what_matters_of_the_plan(place: Place) -> None:
    """Secrets, scale and the service with commands are the plan's; nothing else is there."""
    save(place, "latest.json", {"plan": "d", "handed": plans.handed(PLAN)})
    found = plans.to_hand_over(place, "d")

    assert found["secrets"] == [dict(one) for one in PLAN.secrets]
    assert replicas.kept(found) == replicas.kept(plans.scaled(PLAN))
    assert [*found["services"]] == ["bus", "web"]


@pytest.mark.parametrize("latest", [{"plan": "d"}, {"plan": "other", "handed": {"secrets": []}}])
def test_an_older_plan_is_read(place: Place, latest: dict[str, Any]) -> None:
    """One that was saved without it, or is not the newest, is read in full."""
    save(place, "latest.json", latest)
    save(place, "d.plan.json", {"secrets": [1], "all": "there"})

    assert plans.to_hand_over(place, "d") == {"secrets": [1], "all": "there"}
