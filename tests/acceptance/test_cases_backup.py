"""``booty backup`` and ``restore``: whole or not at all, by the provider or not at all."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest_acceptance_provider import install
from conftest_cases import Case, fake, until

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

@hookimpl
async def backup(service, out):
    place = pathlib.Path(out)
    place.mkdir()
    (place / "half").write_text("1")
    match os.environ.get("HOW"):
        case "raise":
            raise ValueError("no more")
        case "full":
            raise OSError(28, "No space left on device")
        case "hang":
            (pathlib.Path(service.instances[0].dirs.root) / "hangs").touch()
            await asyncio.Event().wait()
    (place / "rest").write_text(service.instances[0].name)

@hookimpl
async def restore(service, source):
    found = sorted(file.name for file in pathlib.Path(source).iterdir())
    (pathlib.Path(service.instances[0].dirs.data) / "found").write_text(" ".join(found))
"""


@pytest.fixture
def kept(case: Case, tmp_path: Path) -> Case:
    """A running stack with one service that can be saved, and one that cannot."""
    case.env["PYTHONPATH"] = install(tmp_path / "packages", "kept", PROVIDER)
    case.write('[services.s]\nuse = "kept"\n' + fake("plain"))
    case.run("up", "-d")
    return case


def beside(case: Case) -> set[str]:
    """Return the names in the stack's folder."""
    return {file.name for file in case.root.iterdir()}


def test_there_and_back(kept: Case) -> None:
    """The folder says what it is of; restore gives the provider what it wrote."""
    told = json.loads(kept.run("backup", "s", "saved", "--json").stdout)
    head = json.loads((kept.root / "saved/booty-backup.json").read_text())
    kept.run("restore", "s", "saved")

    assert told == head
    assert (head["service"], head["component"], head["version"]) == ("s", "kept", "1")
    assert (kept.root / "saved").stat().st_mode & 0o777 == 0o700
    assert (kept.state / "data/s.0/found").read_text() == "half rest"


@pytest.mark.parametrize(
    ("how", "status", "reference"), [("raise", 4, "hook-failed"), ("full", 1, "backup-unwritable")]
)
def test_what_fails_leaves_nothing(kept: Case, how: str, status: int, reference: str) -> None:
    """A backup that cannot be finished is told, and no half of it stays."""
    before = beside(kept)
    said = kept.run("backup", "s", "saved", status=status, HOW=how).stderr

    assert f"{reference}: " in said
    assert beside(kept) == before


def test_an_interrupted_backup_leaves_nothing(kept: Case) -> None:
    """Ctrl-C in the middle ends it, and no half of it stays."""
    before = beside(kept)
    kept.env["HOW"] = "hang"
    begun = kept.start("backup", "s", "saved")
    until((kept.root / "hangs").exists)
    os.kill(begun.pid, signal.SIGINT)
    begun.communicate(timeout=60)

    assert begun.returncode == 130
    assert beside(kept) - {"hangs"} == before


def test_what_a_killed_one_left_goes_with_the_next(kept: Case) -> None:
    """Its half is removed; that of one that still writes, or of somebody else, is not."""
    hangs, before = kept.root / "hangs", beside(kept)
    kept.env["HOW"] = "hang"
    killed = kept.start("backup", "s", "saved")
    until(hangs.exists)
    killed.kill()
    killed.communicate(timeout=60)
    (left,) = beside(kept) - before - {"hangs"}
    hangs.unlink()
    writes = kept.start("backup", "s", "another")
    until(hangs.exists)
    assert not (kept.root / left).exists()  # by the next of another name, too
    (others := kept.root / ".saved.01234567.part").mkdir()
    (others / "mine").touch()
    (running,) = beside(kept) - before - {"hangs", others.name}

    kept.run("backup", "s", "saved", HOW="")
    assert beside(kept) - before == {"hangs", running, others.name, "saved"}
    assert {one.name for one in (kept.root / "saved").iterdir()} == {"booty-backup.json", "data"}
    os.kill(writes.pid, signal.SIGINT)
    writes.communicate(timeout=60)
    assert beside(kept) - before == {"hangs", others.name, "saved"}


def test_nothing_is_written_over(kept: Case) -> None:
    """What is at the place already stays as it is."""
    (kept.root / "saved").write_text("mine")
    said = kept.run("backup", "s", "saved", status=10).stderr

    assert "backup-exists: " in said
    assert (kept.root / "saved").read_text() == "mine"


def test_what_does_not_run_is_not_saved(kept: Case) -> None:
    """A stopped service is told with what starts it, and its provider is not asked."""
    kept.run("stop", "s")
    for verb in ("backup", "restore"):
        said = kept.run(verb, "s", "saved", status=10).stderr
        assert "not-running: " in said
        assert "booty up -d s" in said


def test_who_cannot_says_so(kept: Case) -> None:
    """A provider without the hooks is named, with another way."""
    for verb in ("backup", "restore"):
        said = kept.run(verb, "plain", "saved", status=3).stderr
        assert f"no-{verb}: " in said
        assert "copy .booty/data/plain.0" in said


@pytest.mark.parametrize(
    ("head", "reference"),
    [
        (None, "not-a-backup"),
        ("{", "not-a-backup"),
        ({"format": 1}, "not-a-backup"),
        ({"format": 2, "component": "kept"}, "backup-newer"),
        ({"format": 1, "component": "other/one"}, "backup-of-another"),
    ],
)
def test_what_is_no_backup_is_refused(kept: Case, head: Any, reference: str) -> None:
    """A folder that is no backup, or of something else, is refused before the provider is asked."""
    folder = kept.root / "saved"
    folder.mkdir()
    if head is not None:
        text = head if isinstance(head, str) else json.dumps(head)
        (folder / "booty-backup.json").write_text(text)
    said = kept.run("restore", "s", "saved", status=3).stderr

    assert f"{reference}: " in said
    assert not (kept.state / "data/s.0/found").exists()
