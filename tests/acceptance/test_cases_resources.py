"""What a running service is to hold from now on is there before anybody starts who looks for it."""

from __future__ import annotations

from pathlib import Path

from conftest_acceptance_provider import installed
from conftest_cases import Case

PROVIDER = """
import pathlib
from attrs import frozen
from booty import Change, Component, Launch, OnPath, Resource, hookimpl
BOOTY_API = 1

@frozen(kw_only=True)
class Thing:
    size: int = 0

@hookimpl
def components():
    return [Component(id="kept", program="sleep", versions=("1",),
                      sources=(OnPath(version_args=()),),
                      resources=(Resource(key="things", entry=Thing, listed=True),),
                      changes={"resources": Change.NONE, "consumers": Change.NONE})]

@hookimpl
def configure(instance):
    return Launch(argv=(instance.program, "1000"))

@hookimpl
async def bootstrap(service):
    first = service.instances[0]
    place = pathlib.Path(first.dirs.root) / "holds"
    place.write_text(" ".join(sorted(first.resources.get("things", {}))))
"""
SERVICE = '[services.s]\nuse = "kept"\nthings = [{}]\n'
LOOKS = '[services.looks]\nuse = "program"\nkind = "task"\nneeds = ["s"]\nrun = "cp holds seen"\n'


def test_a_newcomer_finds_what_is_new(case: Case, tmp_path: Path) -> None:
    """A service that is added together with what it looks for in one that runs finds it."""
    case.command = installed(tmp_path / "packages", "kept", PROVIDER)
    case.write(SERVICE.format('"a"'))
    case.run("up", "-d")
    case.write(SERVICE.format('"a", "b"') + LOOKS)
    case.run("up", "-d")

    assert (case.root / "seen").read_text() == "a b"
