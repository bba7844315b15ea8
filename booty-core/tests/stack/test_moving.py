"""A change that moves data is carried out by the provider's ``migrate``, in its own process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from booty.errors import BootyError
from booty.stack.asking import ask

CANARY = "c4nary-0f-a-5ecret"
PROVIDER = """
import os, pathlib, threading
from attrs import frozen
from booty import Change, Component, ConfigError, Launch, OnPath, SecretNeed, hookimpl
BOOTY_API = 1
@frozen(kw_only=True)
class Settings:
    shape: str = "flat"
@hookimpl
def components():
    own = OnPath(binary="/bin/sh", version_args=("-c", "echo 1.0"))
    return [Component(id="mine", program="sh", versions=("1.0",), sources=(own,),
        settings=Settings, secrets=(SecretNeed(name="password"),),
        changes={"settings.shape": Change.MIGRATE})]
@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "-c", "exec sleep 1000"),
        env={"SHAPE": instance.settings.shape, "PASSWORD": instance.secrets["password"]})
@hookimpl
async def migrate(service, old, new):
    one, two = old.instances[0], new.instances[0]
    assert service == new
    password = two.secrets["password"]
    DOES
"""
WRITES = """pathlib.Path(two.dirs.data, "moved").write_text(
        f"{one.settings.shape} {two.settings.shape} {len(password)} {os.getpid()}")"""
BY_HAND = """raise ConfigError(f"cannot fold data with {password}",
        reference="mine-by-hand", subject=service.name, hint="fold it by hand")"""
TEXT = '[services.it]\nuse = "mine"\nsettings = { shape = "%s" }\n'
FAULTS = {
    "by hand": (BY_HAND, 3, "mine-by-hand"),
    "raises": ("raise RuntimeError(f'no {password}')", 4, "hook-failed"),
    "exits": ("raise SystemExit(password)", 4, "hook-failed"),
    "dies": ("os._exit(3)", 4, "hook-unknown"),
}


def install(place: Path, does: str) -> None:
    """Install a provider whose ``migrate`` does something."""
    place.mkdir(exist_ok=True)
    (place / "mine_module.py").write_text(PROVIDER.replace("DOES", does))
    info = place / "mine-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[booty]\nmine = mine_module\n")


def test_it_is_carried_out(booty: Any, root: Path, tmp_path: Path) -> None:
    """With the old and the new service, true values, and in no process of ours."""
    install(tmp_path / "packages", WRITES)
    path = str(tmp_path / "packages")
    (root / "booty.toml").write_text(TEXT % "flat")
    booty("up", "-d", PYTHONPATH=path)
    (root / "booty.toml").write_text(TEXT % "folded")
    booty("up", "-d", PYTHONPATH=path)
    moved = (root / ".booty/data/it.0/moved").read_text().split()

    assert moved[:3] == ["flat", "folded", "32"]
    assert not Path(f"/proc/{moved[3]}").exists()


@pytest.mark.parametrize("kind", FAULTS)
def test_one_that_fails_leaves_all_as_it_is(
    booty: Any, root: Path, tmp_path: Path, kind: str
) -> None:
    """The provider's own words, or who is to blame and where to look; no secret in either."""
    does, status, reference = FAULTS[kind]
    install(tmp_path / "packages", does)
    path = str(tmp_path / "packages")
    (root / "booty.toml").write_text(TEXT % "flat")
    booty("up", "-d", PYTHONPATH=path)
    before = json.loads(booty("ps", "--json").stdout)["services"]
    (root / "booty.toml").write_text(TEXT % "folded")
    refused = booty("up", "-d", status=status, PYTHONPATH=path)

    assert reference in refused.stderr
    assert "hint: " in refused.stderr
    assert refused.stderr.count("***") == (kind != "dies")
    assert json.loads(booty("ps", "--json").stdout)["services"] == before


def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its deadline, even if it blocks everything."""
    install(tmp_path / "packages", "pathlib.Path(two.dirs.data).touch(); threading.Event().wait()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    mark = tmp_path / "began"
    dirs = {name: str(mark) for name in ("data", "config", "logs", "run", "root")}
    own = {"name": "it.0", "service": "it", "stack": "s", "component": "mine", "dirs": dirs}
    service = {"name": "it", "instances": [{**own, "secrets": {"password": CANARY}}]}
    with pytest.raises(BootyError) as caught:
        ask("mine", "migrate", limit=1.0, log=tmp_path / "log",
            service=service, old=service, new=service)  # fmt: skip

    assert mark.exists()
    assert caught.value.reference == "hook-unknown"
    assert "it took more than 1 s" in caught.value.message
