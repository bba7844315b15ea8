"""A service becomes larger or smaller: its new ones join, those that leave are drained first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from booty.supervise.client import ControlError
from conftest_played import BOOTSTRAP, DRAIN, JOIN, LEAVE, Group
from conftest_supervise import Stack

SLOW = """
import threading
@hookimpl
async def {0}(instance):
    tell("{0}", instance.name)
    if not (PLACE / "go").exists():
        threading.Event().wait()
"""
ALL = ("join", "drain", "leave")


@pytest.fixture
def group(stack: Stack, tmp_path: Path) -> Group:
    """A service whose provider has all hooks."""
    place = tmp_path / "packages"
    place.mkdir()
    made = Group(stack, place)
    made.install(JOIN, DRAIN, LEAVE, BOOTSTRAP)
    return made


def saved(group: Group) -> dict[str, Any]:
    """Return what is written down about the service."""
    found: dict[str, Any] = json.loads((group.stack.dir / "state/services/m.json").read_text())
    return found


def refused(group: Group, count: int, *hooks: str, **changes: Any) -> dict[str, Any]:
    """Return the fault of a change."""
    with pytest.raises(ControlError) as caught:
        group.up(count, *hooks, **changes)
    return caught.value.data


def test_new_ones_join_one_after_the_other(group: Group) -> None:
    """Those that a service begins with do not; those that come later do, once."""
    group.up(1, *ALL)
    assert group.told() == []
    group.up(3, *ALL)
    assert sorted(group.told()) == ["join m.1", "join m.2"]
    group.stack.ask("restart", names=["m.1"])
    group.stack.ask("wait", names=None, **{"for": "ready"})

    assert group.told()[2:] == ["drain m.1 for now"]
    assert saved(group)["members"] == ["m.0", "m.1", "m.2"]


def test_bootstrap_comes_after_joining(group: Group) -> None:
    """What the service holds is made again for the new one, when it is a member."""
    group.stack.bootstrap = "its resources"
    group.up(1, *ALL, "bootstrap")
    group.up(2, *ALL, "bootstrap")

    assert group.told() == ["bootstrap m.0", "join m.1", "bootstrap m.0 m.1"]


def test_who_leaves_is_drained_stopped_forgotten(group: Group) -> None:
    """The highest number first, each to its end; those that stay are named to it."""
    group.up(3, *ALL)
    group.up(1, *ALL)

    assert group.told() == [
        "drain m.2 for good", "leave m.2 from m.0",
        "drain m.1 for good", "leave m.1 from m.0",
    ]  # fmt: skip
    assert saved(group) == {"format": 1, "members": ["m.0"], "leaving": {}}
    assert group.states() == {"m.0": "ready"}


def test_who_comes_back_begins_anew(group: Group) -> None:
    """What it held before it left is set aside and named; a component that can takes it again."""
    group.up(2, *ALL)
    (group.stack.dir / "data/m.1/kept").touch()
    group.up(1, *ALL)
    group.up(2, *ALL)
    data = group.stack.dir / "data"

    assert not (data / "m.1/kept").exists()
    assert (data / "m.1.left-1/kept").exists()
    assert "kept in data/m.1.left-1" in group.stack.told()
    (data / "m.1/again").touch()
    group.up(1, *ALL)
    group.up(2, *ALL, rejoins=True)
    assert (data / "m.1/again").exists()
    assert group.told().count("join m.1") == 2


def test_data_that_is_moved_is_waited_for(group: Group) -> None:
    """How far it is, is told; the instance runs until then."""
    pending = group.place / "pending"
    group.up(2, *ALL)
    pending.touch()
    group.up(1, *ALL, wait=False)
    group.stack.until(lambda: "3 of 20 regions" in group.stack.told())
    assert group.states()["m.1"] == "ready"
    pending.unlink()
    group.stack.until(lambda: group.states() == {"m.0": "ready"})

    assert group.told()[-1] == "leave m.1 from m.0"


def test_data_that_does_not_move_in_time(group: Group) -> None:
    """It goes on running, the change has failed, and the next one takes it up again."""
    group.up(2, *ALL, stop={"drain_timeout": 0.5})
    (group.place / "pending").touch()
    fault = refused(group, 1, *ALL)
    assert (fault["reference"], fault["status"]) == ("drain-timeout", 8)
    assert "3 of 20 regions" in fault["message"]
    assert group.states() == {"m.0": "ready", "m.1": "ready"}
    (group.place / "pending").unlink()
    group.up(1, *ALL)

    assert group.states() == {"m.0": "ready"}


@pytest.mark.parametrize("hook", ["drain", "leave"])
def test_a_hook_that_fails_is_called_again_by_the_next_change(group: Group, hook: str) -> None:
    """What has been done is not done again; who is not drained runs on."""
    group.up(2, *ALL)
    bad = group.place / f"bad-{hook}"
    bad.touch()
    assert refused(group, 1, *ALL)["reference"] == "no-luck"
    assert group.states()["m.1"] == ("ready" if hook == "drain" else "stopped")
    bad.unlink()
    group.up(1, *ALL)

    assert group.told()[-1] == "leave m.1 from m.0"
    assert group.told().count("drain m.1 for good") == (2 if hook == "drain" else 1)
    assert saved(group)["leaving"] == {}


def test_a_join_that_fails_is_a_failed_start(group: Group) -> None:
    """The others go on; the next change tries again."""
    group.up(1, *ALL)
    (group.place / "bad-join").touch()
    assert refused(group, 2, *ALL)["reference"] == "no-luck"
    assert group.states() == {"m.0": "ready", "m.1": "failed"}
    (group.place / "bad-join").unlink()
    group.up(2, *ALL)

    assert group.told() == ["join m.1", "join m.1"]
    assert saved(group)["members"] == ["m.0", "m.1"]


def test_one_that_stays_after_all_joins_again(group: Group) -> None:
    """Its draining failed; with the old number it is a member as before."""
    group.up(2, *ALL)
    (group.place / "bad-drain").touch()
    refused(group, 1, *ALL)
    group.up(2, *ALL)

    assert group.told() == ["drain m.1 for good", "join m.1"]
    assert saved(group)["members"] == ["m.0", "m.1"]


def test_one_that_does_not_run_cannot_be_drained(group: Group) -> None:
    """Nobody says that its data is elsewhere; it is told what to do."""
    group.up(2, *ALL)
    group.stack.ask("stop", names=["m.1"])
    fault = refused(group, 1, *ALL)

    assert (fault["reference"], fault["status"]) == ("drain-not-running", 10)
    assert "leave m.1 from m.0" not in group.told()


def test_who_left_while_all_was_down_is_forgotten_when_others_are_up(group: Group) -> None:
    """``leave`` is asked when there is somebody to ask."""
    group.up(2, "leave")
    group.stack.ask("down")
    group.up(1, "leave")

    assert group.told() == ["leave m.1 from m.0"]
    assert group.states() == {"m.0": "ready"}


@pytest.mark.parametrize("hook", ["drain", "leave"])
def test_a_successor_goes_on(group: Group, hook: str) -> None:
    """The supervisor is killed while a hook is at work: the change is carried out all the same."""
    group.up(3, *ALL)
    module = group.place / "mine_module.py"
    module.write_text(module.read_text() + SLOW.format(hook))
    group.up(1, hook, wait=False)
    group.stack.until(lambda: f"{hook} m.2" in group.told())
    before = group.stack.watchers()
    group.stack.kill("supervisor")
    (group.place / "go").touch()
    group.stack.followed(before)
    group.stack.until(lambda: group.states() == {"m.0": "ready"})

    assert f"{hook} m.1" in group.told()
    assert saved(group)["leaving"] == {}


def test_stop_of_one_of_several_drains_it(group: Group) -> None:
    """For now, not for good; the last one has nobody to take its work."""
    group.up(2, *ALL)
    group.stack.ask("stop", names=["m.1"])
    assert group.told() == ["drain m.1 for now"]
    group.stack.ask("stop", names=["m.0"])

    assert group.told() == ["drain m.1 for now"]
