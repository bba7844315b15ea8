"""Roles of one service that wait for each other, and the service's bootstrap behind them all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest_acceptance_provider import installed
from conftest_cases import Case

PROVIDER = """
import pathlib
from booty import Component, Health, Launch, Need, OnPath, Probe, Role, hookimpl
BOOTY_API = 1
OWN = (OnPath(binary="/bin/sh", version_args=("-c", "echo 1.0")),)
READY = Probe(log="up")

@hookimpl
def components():
    return [
        Component(id="pair/store", program="sh", versions=("1.0",), sources=OWN, ready=READY),
        Component(id="pair/seed", program="sh", versions=("1.0",), sources=OWN, kind="task"),
        Component(id="pair/front", program="sh", versions=("1.0",), sources=OWN, ready=READY),
    ]

@hookimpl
def expand(service):
    return (
        Role(component="pair/store", name="store"),
        Role(component="pair/seed", name="seed", needs=(Need(role="store", until="ready"),)),
        Role(component="pair/front", name="front", needs=(
            Need(role="store", until="UNTIL"), Need(role="seed", until="done"))),
    )

@hookimpl
def configure(instance):
    last = "exit 0" if instance.role == "seed" else "exec sleep 1000"
    line = f"echo {instance.role} >> {instance.dirs.root}/order; echo up; {last}"
    return Launch(argv=(instance.program, "-c", line))

@hookimpl
async def health(instance):
    return Health(alive=True, ready=True, good=True)

@hookimpl
async def bootstrap(service):
    with open(pathlib.Path(service.instances[0].dirs.root) / "order", "a") as file:
        file.write("bootstrap\\n")
"""


@pytest.mark.parametrize("until", ["ready", "good"])
def test_roles_wait_for_each_other_before_the_bootstrap(
    case: Case, tmp_path: Path, until: str
) -> None:
    """A role waits for another's probes, not for the bootstrap that itself waits for all roles."""
    case.command = installed(tmp_path / "venv", "pair", PROVIDER.replace("UNTIL", until))
    case.write('[services.it]\nuse = "pair"\n')
    case.run("up", "-d", "--timeout", "100s")
    rows = json.loads(case.run("ps", "--json").stdout)["services"]

    assert (case.root / "order").read_text().split() == ["store", "seed", "front", "bootstrap"]
    assert {row["instance"]: row["state"] for row in rows} == {
        "it.store.0": "ready",
        "it.seed.0": "done",
        "it.front.0": "ready",
    }
