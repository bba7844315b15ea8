"""A provider that a test writes, and a stack of its instances without any command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from conftest_supervise import Stack, entry

PROVIDER = """
import os, pathlib
from booty import Component, StartError, hookimpl
BOOTY_API = 1
PLACE = pathlib.Path(__file__).parent
def tell(*words):
    with (PLACE / "told").open("a") as file:
        print(*words, file=file)
def fails(name):
    if (PLACE / name).exists():
        raise StartError("no luck", reference="no-luck")
@hookimpl
def components():
    return [Component(id="mine", program="x")]
"""
JOIN = """
@hookimpl
async def join(instance):
    tell("join", instance.name)
    fails("bad-join")
"""
DRAIN = """
@hookimpl
async def drain(instance, leaving):
    tell("drain", instance.name, "for good" if leaving else "for now")
    fails("bad-drain")
    if leaving and (PLACE / "pending").exists():
        return "3 of 20 regions"
"""
LEAVE = """
@hookimpl
async def leave(instance):
    tell("leave", instance.name, "from", *(one.name for one in instance.peers))
    fails("bad-leave")
"""
BOOTSTRAP = """
@hookimpl
async def bootstrap(service):
    tell("bootstrap", *(one.name for one in service.instances))
"""
RUN = "echo $$ > pid; trap 'exit 0' TERM; echo up; while :; do sleep 1 & wait; done"


class Group:
    """One service ``m`` of several instances."""

    def __init__(self, stack: Stack, place: Path) -> None:
        self.stack = stack
        self.place = place
        self.python = place / "python"

    def install(self, *parts: str) -> None:
        """Install the provider where its worker finds it."""
        (self.place / "mine_module.py").write_text(PROVIDER + "".join(parts))
        info = self.place / "mine-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[booty]\nmine = mine_module\n")
        path = f'PYTHONPATH="{self.place}:$PYTHONPATH"'
        self.python.write_text(f'#!/bin/sh\n{path} exec {sys.executable} "$@"\n')
        self.python.chmod(0o700)

    def entries(self, count: int, **changes: Any) -> list[dict[str, Any]]:
        """Return so many instances."""
        names = [f"m.{number}" for number in range(count)]
        return [self._entry(name, names, changes) for name in names]

    def _entry(self, name: str, names: list[str], changes: dict[str, Any]) -> dict[str, Any]:
        dirs = {one: f"@{{booty:{one}}}" for one in ("data", "config", "logs", "run", "root")}
        mine = {"service": "m", "stack": "t", "component": "mine", "dirs": dirs}
        bare = {"role": "", "endpoints": {}}
        peers = [{"name": one, "index": int(one[2:]), **bare} for one in names if one != name]
        own = {"name": name, "index": int(name[2:]), "peers": peers, **mine}
        number = int(name[2:])
        return entry(
            name, RUN, provider="mine", component="mine", instance=own, index=number,
            digest=name, **changes,
        )  # fmt: skip

    def up(self, count: int, *hooks: str, wait: bool = True, **changes: Any) -> None:
        """Have so many instances."""
        self.stack.providers = {"mine": {"hooks": list(hooks), "python": str(self.python)}}
        self.stack.up(*self.entries(count, **changes), wait=wait)

    def told(self) -> list[str]:
        """Return what the hooks wrote down."""
        file = self.place / "told"
        return file.read_text().splitlines() if file.exists() else []

    def states(self) -> dict[str, str]:
        """Return the state of each instance that has one."""
        from booty.supervise import state

        return {one["instance"]: one["state"] for one in state.read(self.stack.dir)["instances"]}
