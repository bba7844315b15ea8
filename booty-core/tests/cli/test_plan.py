"""``booty plan`` and when a saved plan is used again: what goes into a plan, and what comes out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAD = '[stack]\nformat = 1\nname = "t"\n'
SIDE = """[services.side]
use = "program"
run = ["sleep", "1000"]
env-file = "side.env"
env = { A = "${env.SIDE_A:-none}", R = "${stack.root}" }
"""
EXTRA = '[services.extra]\nuse = "program"\nkind = "task"\nrun = "true"\n'
PROFILE = "[profiles.two.services.side]\nreplicas = 2\n"
LISTING = """
import json, sys
from booty.cli import main
status = main(["up", "-d"])
print(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""


@pytest.fixture
def stack(root: Path) -> Path:
    """A stack whose plan depends on everything that a plan may depend on."""
    text = f'include = "more/*.toml"\n{HEAD}{SIDE}{PROFILE}'
    (root / "booty.toml").write_text(text)
    (root / "side.env").write_text("B=1\n")
    (root / "more").mkdir()
    (root / "more/extra.toml").write_text(EXTRA)
    (root / "sub").mkdir()
    return root


def planned(booty: Any, *arguments: str, **more: Any) -> dict[str, Any]:
    """Return the plan."""
    found: dict[str, Any] = json.loads(booty("plan", "--json", *arguments, **more).stdout)
    return found


def test_the_same_bytes_from_everywhere(booty: Any, stack: Path) -> None:
    """Working folder, hash seed and way of naming the stack make no difference."""
    for _ in range(2):
        first = booty("plan", "--json").stdout
        file = str(stack / "booty.toml")

        assert booty("plan", "--json", PYTHONHASHSEED="7").stdout == first
        assert booty("plan", "--json", cwd=stack / "sub").stdout == first
        assert booty("plan", "--json", "--file", file, cwd=Path("/")).stdout == first
        assert booty("plan", "--json", "--stack", str(stack), cwd=Path("/")).stdout == first
        assert booty("plan", "--json", cwd=Path("/"), BOOTY_FILE=file).stdout == first
        booty("up", "-d", cwd=stack / "sub")


def test_up_saves_what_plan_shows(booty: Any, stack: Path) -> None:
    """The saved plan names the same inputs as the one that is looked at."""
    booty("up", "-d")
    latest = json.loads((stack / ".booty/plans/latest.json").read_text())
    saved = json.loads((stack / f".booty/plans/{latest['plan']}.plan.json").read_text())

    assert planned(booty)["inputs"] == saved["inputs"] == latest["inputs"]
    assert len(saved["inputs"]) == len(latest["plan"])


@pytest.mark.parametrize(
    "change",
    [
        "booty.toml",
        "booty.local.toml",
        "more/extra.toml",
        "more/new.toml",
        "side.env",
        "booty.lock",
        "variable",
        "profile",
        "config.toml",
    ],
)
def test_every_input_makes_a_new_plan(booty: Any, stack: Path, change: str, tmp_path: Path) -> None:
    """Whatever a plan was made from: its change is seen by ``plan`` and by ``up``."""
    more = {"XDG_CONFIG_HOME": str(tmp_path)}
    booty("up", "-d", **more)
    before = planned(booty, **more)
    kept = [
        booty("plan", "--json", **more).stdout,
        (stack / ".booty/plans/latest.json").read_bytes(),
    ]
    texts = {
        "booty.local.toml": '[services.side]\nlabels = { a = "b" }\n',
        "more/new.toml": EXTRA.replace("extra", "new"),
        "booty.lock": "format = 1\n",
        "config.toml": '[mirrors]\n"a.example" = "https://b.example"\n',
    }
    arguments: list[str] = []
    if change == "variable":
        more["SIDE_A"] = "set"
    elif change == "profile":
        arguments = ["--profile", "two"]
    else:
        file = tmp_path / "booty/config.toml" if change == "config.toml" else stack / change
        file.parent.mkdir(exist_ok=True)
        old = file.read_text() if file.exists() else ""
        file.write_text(texts.get(change, f"{old}\n"))
    after = planned(booty, *arguments, **more)
    said = booty("up", "-d", *arguments, **more).stderr

    assert json.loads(kept[0]) == before
    assert after["inputs"] != before["inputs"]
    assert (stack / ".booty/plans/latest.json").read_bytes() != kept[1]
    assert "nothing to do" not in said or change not in {"variable", "profile", "more/new.toml"}


@pytest.mark.parametrize("running", [True, False])
def test_an_unchanged_file_loads_no_provider(
    booty: Any, stack: Path, stack_env: dict[str, str], running: bool
) -> None:
    """The saved plan is used as it is, for what runs and for what was brought down."""
    booty("up", "-d")
    if not running:
        booty("down")
    done = subprocess.run(
        [sys.executable, "-c", LISTING], cwd=stack / "sub", env=stack_env,
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    # what was down is started, by a follower that takes the place of the process
    loaded = set(json.loads(done.stdout.splitlines()[-1])) if running else set()
    traces = sorted((stack / ".booty/traces").glob("*.json"), key=lambda one: int(one.stem))
    spans = {one["name"] for one in json.loads(traces[-1].read_text())["spans"]}
    assert {"booty.providers", "booty.plan", "booty.stack.planning"} & loaded == set()
    assert running or spans == {"exec", "ready"}


def test_profile_of_the_variable_and_of_what_runs(booty: Any, stack: Path) -> None:
    """Command line over BOOTY_PROFILE over the profile of the running stack, until ``down``."""
    numbers = [
        len(planned(booty, "--profile", "two")["instances"]),
        len(planned(booty, BOOTY_PROFILE="two")["instances"]),
        len(planned(booty)["instances"]),
    ]
    booty("up", "-d", BOOTY_PROFILE="two ")
    held = len(planned(booty)["instances"])
    again = booty("up", "-d").stderr
    shown = booty("config").stdout
    booty("down")

    assert [*numbers, held, len(planned(booty)["instances"])] == [3, 3, 2, 3, 2]
    assert "nothing to do" in again
    assert [line.split()[1:] for line in shown.splitlines() if "side.replicas" in line] == [
        ["2", "profile", "two"]
    ]
    assert "profile-unknown" in booty("plan", "--profile", "tow", status=3).stderr


def test_plan_after_down_and_stop(booty: Any, stack: Path) -> None:
    """What does not run is to be started, and that is a difference."""
    booty("up", "-d")
    assert booty("plan", "--diff").stdout == ""
    booty("stop", "side")
    assert booty("plan", "--diff").stdout == "+ start side.0: services.side; it is stopped\n"
    booty("down")
    assert len(booty("plan", "--diff").stdout.splitlines()) == 2


def test_plan_writes_nothing(booty: Any, stack: Path) -> None:
    """A look at the plan leaves the folder as it was."""
    booty("plan")
    booty("plan", "--json")

    assert {file.name for file in stack.iterdir()} == {"booty.toml", "side.env", "more", "sub"}


def test_profile_beside_defaults(booty: Any, stack: Path) -> None:
    """A file whose profiles were all chosen, with [defaults], is read like any other."""
    with (stack / "booty.toml").open("a") as file:
        file.write('[defaults]\ngrace = "3s"\n')

    assert len(planned(booty, "--profile", "two")["instances"]) == 3


def test_lifetime_of_the_variable(booty: Any, stack: Path) -> None:
    """BOOTY_LIFETIME is checked before anything is started by it, also with a saved plan."""
    booty("up", "-d")
    booty("down")
    done = booty("up", "-d", status=3, BOOTY_LIFETIME="for-ever")

    assert done.stderr.startswith('bad-value: cannot use "for-ever" as BOOTY_LIFETIME')
    assert json.loads((stack / ".booty/state/stack.json").read_text())["supervisor"] is None
