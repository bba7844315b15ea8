"""``booty plan --diff`` tells what was changed by hand; ``booty up --replan`` mends it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest_acceptance_provider import installed
from conftest_cases import Case, fake

PROVIDER = """
import asyncio, os, pathlib
from booty import Component, Launch, OnPath, hookimpl
BOOTY_API = 1

@hookimpl
def components():
    return [Component(id="kept", program="sleep", versions=("1",),
                      sources=(OnPath(version_args=()),))]

@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "1000"))

def place(service):
    return pathlib.Path(service.instances[0].dirs.root) / "holds"

@hookimpl
async def bootstrap(service):
    with place(service).open("a") as file:
        file.write("made ")

@hookimpl
async def drift(service):
    match os.environ.get("HOW"):
        case "raise":
            raise ValueError("no such thing")
    return [f"it holds {word}" for word in place(service).read_text().split() if word != "made"]
"""


@pytest.fixture
def kept(case: Case, tmp_path: Path) -> Case:
    """A running stack with one service that can be looked at, and one that cannot."""
    case.command = installed(tmp_path / "packages", "kept", PROVIDER)
    case.write('[services.s]\nuse = "kept"\n' + fake("plain"))
    case.run("up", "-d")
    return case


def test_drift_is_told_and_mended(kept: Case) -> None:
    """Each difference is a line; nothing is made again by ``up``, and all by ``up --replan``."""
    held = kept.root / "holds"
    assert kept.run("plan", "--diff").stdout == ""
    held.write_text("dust rust ")
    told = kept.run("plan", "--diff")
    kept.run("up", "-d")
    alone = held.read_text()
    kept.run("up", "-d", "--replan")

    assert told.stdout.splitlines() == ["~ drift s: it holds dust", "~ drift s: it holds rust"]
    assert "booty up --replan" in told.stderr
    assert "nothing would change" not in told.stderr
    assert alone == "dust rust "
    assert held.read_text() == "dust rust made "


def test_a_first_plan_is_carried_out_once(case: Case, tmp_path: Path) -> None:
    """Where all is new, --replan asks no bootstrap twice."""
    case.command = installed(tmp_path / "packages", "kept", PROVIDER)
    case.write('[services.s]\nuse = "kept"\n')
    case.run("up", "-d", "--replan")

    assert (case.root / "holds").read_text() == "made "


def test_what_cannot_be_looked_at_says_why(kept: Case) -> None:
    """A look that fails is told, and the plan is shown; what does not run is not looked at."""
    failed = kept.run("plan", "--diff", HOW="raise")
    kept.run("stop", "s")
    stopped = kept.run("plan", "--diff", HOW="raise")

    assert failed.stdout == "~ drift s: cannot be looked at: no such thing\n"
    assert "drift" not in stopped.stdout
