"""A broken provider fails alone: the rest of the stack is still usable."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

TEXT = """[stack]
format = 1
[services.a]
use = "program"
run = ["sleep", "1000"]
[services.bad]
use = "broken"
[services.b]
use = "program"
run = ["sleep", "1000"]
needs = ["bad"]
"""
GOOD = """
from booty import Component, Launch, OnPath, SecretNeed, hookimpl
BOOTY_API = 1
@hookimpl
def components():
    own = OnPath(binary="/bin/sh", version_args=("-c", "echo 1.0"))
    more = dict(sources=(own,), secrets=(SecretNeed(name="password"),))
    return [Component(id="broken", program="sh", versions=("1.0",), **more)]
@hookimpl
def configure(instance):
    env = {"PASSWORD": instance.secrets["password"]}
    return Launch(argv=(instance.program, "-c", "exec sleep 1000"), env=env)
"""


def hook(verb: str, argument: str, does: str) -> str:
    """Return the good provider with one hook more, a bad one."""
    return f"{GOOD}@hookimpl\ndef {verb}({argument}):\n    {does}\n"


ODD = "from attrs import frozen\n@frozen\nclass Odd:\n    x: complex = 1j\nBOOTY_API"
BROKEN = {
    "import": ("raise RuntimeError('no luck')", "provider-broken"),
    "exit": ("raise SystemExit(3)", "provider-broken"),
    "declares": (GOOD.replace('program="sh"', "program=5"), "provider-component"),
    "settings": (
        GOOD.replace('"sh", v', '"sh", settings=Odd, v').replace("BOOTY_API", ODD),
        "settings-class",
    ),
    "expand": (hook("expand", "service", "return 5"), "hook-answer"),
    "preflight": (hook("preflight", "services", "1 / 0"), "hook-failed"),
    "fetch": (hook("fetch", "wish", "raise SystemExit"), "hook-failed"),
    "configure": (GOOD.replace("return Launch", "return str"), "hook-failed"),
    "launch": (GOOD.replace('"-c", "exec', 'env["PASSWORD"], "exec'), "provider-launch"),
}


@pytest.fixture
def packages(tmp_path: Path, root: Path) -> Path:
    """Install a provider that each test writes; returns the folder for PYTHONPATH."""
    place = tmp_path / "packages"
    info = place / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[booty]\nbroken = broken_module\n")
    (root / "booty.toml").write_text(TEXT)
    return place


def write(packages: Path, text: str) -> None:
    """Write the provider's module anew; its byte code may be of the same second."""
    file = packages / "broken_module.py"
    file.write_text(text)
    for cached in packages.glob("__pycache__/broken_module*"):
        cached.unlink()


def states(booty: Any) -> dict[str, str]:
    """Return what runs: states by instance."""
    rows = json.loads(booty("ps", "--json").stdout)["services"]
    return {row["instance"]: row["state"] for row in rows}


@pytest.mark.parametrize("kind", BROKEN)
def test_the_rest_goes_on(booty: Any, packages: Path, kind: str) -> None:
    """``up`` of all is refused and starts nothing; parts, ``--without`` and looking work."""
    text, reference = BROKEN[kind]
    write(packages, text)
    path = str(packages)
    refused = booty("up", "-d", status=4, PYTHONPATH=path)
    nothing = states(booty)
    part = booty("up", "-d", "a", PYTHONPATH=path)
    running = states(booty)
    booty("up", "-d", "--without", "bad", PYTHONPATH=path)
    listed = booty("providers", PYTHONPATH=path).stdout
    booty("schema", PYTHONPATH=path)

    assert reference in refused.stderr
    assert nothing == {}
    assert ("left out: bad: cannot" in part.stderr) == (kind != "preflight")  # nobody asked it
    assert {name for name, state in running.items() if state != "absent"} == {"a.0"}
    assert states(booty) | {"bad.0": ""} == {"a.0": "ready", "b.0": "ready", "bad.0": ""}
    assert ("broken: cannot" in listed) == (kind in {"import", "exit", "declares"})


def test_what_was_left_out_is_not_forgotten(booty: Any, packages: Path) -> None:
    """A plan of a part is no answer to who asks for all, and a mended provider is taken."""
    path = str(packages)
    write(packages, "raise RuntimeError('no luck')")
    booty("up", "-d", "a", PYTHONPATH=path)
    all_of_it = booty("up", "-d", status=4, PYTHONPATH=path)
    needing = booty("up", "-d", "b", status=4, PYTHONPATH=path)
    again = booty("up", "-d", "a", PYTHONPATH=path)
    write(packages, GOOD)
    booty("up", "-d", PYTHONPATH=path)

    assert "provider-broken" in all_of_it.stderr
    assert "provider-broken" in needing.stderr
    assert "nothing to do" in again.stdout + again.stderr
    assert states(booty) == {"a.0": "ready", "bad.0": "ready", "b.0": "ready"}


def test_what_runs_goes_on(booty: Any, root: Path, packages: Path) -> None:
    """A provider that breaks under a running stack: nothing of it is lost by a change elsewhere."""
    path = str(packages)
    write(packages, GOOD)
    booty("up", "-d", PYTHONPATH=path)
    first = pid(booty)
    write(packages, "raise RuntimeError('no luck')")
    (root / "booty.toml").write_text(TEXT.replace('"1000"', '"999"', 1))
    booty("up", "-d", status=4, PYTHONPATH=path)
    booty("up", "-d", "a", PYTHONPATH=path)
    kept = pid(booty)
    for command in ("restart bad", "stop bad", "start bad", "logs bad", "describe bad", "env"):
        booty(*command.split(), PYTHONPATH=path)

    assert kept == first
    assert pid(booty) != first
    assert "PASSWORD=@" not in variables(pid(booty))
    assert "PASSWORD=" in variables(pid(booty))


def pid(booty: Any) -> int:
    """Return the process of the service whose provider breaks."""
    rows = json.loads(booty("ps", "--json").stdout)["services"]
    return int(next(row["pid"] for row in rows if row["instance"] == "bad.0"))


def variables(number: int) -> str:
    """Return the environment of a process."""
    words = ["ps", "eww", "-o", "command=", "-p", str(number)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_a_saved_plan_imports_no_provider(booty: Any, packages: Path) -> None:
    """What was planned once starts again whatever has become of its provider."""
    path = str(packages)
    write(packages, GOOD)
    booty("up", "-d", PYTHONPATH=path)
    booty("down", PYTHONPATH=path)
    write(packages, "raise RuntimeError('imported')")
    again = booty("up", "-d", PYTHONPATH=path)

    assert "left out" not in again.stderr
    assert set(states(booty).values()) == {"ready"}


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("not_there:group", "No module named 'not_there'"),
        ("json:group", "has no attribute 'group'"),
        ("json", "has no attribute"),
        ("json:dumps", "no click group"),
    ],
)
def test_client_commands_that_are_not_there(
    booty: Any, packages: Path, target: str, why: str
) -> None:
    """They are the provider's fault and named so."""
    own = f'clients={{"broken": "{target}"}}, secrets='
    write(packages, GOOD.replace("secrets=", own, 1))
    booty("up", "-d", "--without", "a", "--without", "b", PYTHONPATH=str(packages))
    refused = booty("client", "bad", status=4, PYTHONPATH=str(packages))

    assert 'client-broken: cannot use the client commands of provider "broken"' in refused.stderr
    assert why in refused.stderr


def test_preflight_knows_the_services(booty: Any, packages: Path, tmp_path: Path) -> None:
    """``doctor`` asks about those of the stack, and outside of one about none."""
    does = "return [Problem(id='x', level='info', message=','.join(s.name for s in services))]"
    write(packages, "from booty import Problem\n" + hook("preflight", "services", does))
    inside = booty("doctor", PYTHONPATH=str(packages)).stdout
    outside = booty("doctor", PYTHONPATH=str(packages), cwd=tmp_path).stdout

    assert "info  x: bad\n" in inside
    assert "info  x: \n" in outside
