"""Disks that are full or read-only, and places too deep for a socket: nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_acceptance import GOOD, SLEEPER, refused, running, write
from disks import fill, mount, unmount


def half(file: Path) -> bool:
    """Tell whether a file is what a write that failed left behind."""
    return file.suffix == ".new" or (file.name[0] == "." and file.suffix[1:].isdigit())


def kept(root: Path) -> dict[str, bytes]:
    """Return what must not change: plans, lock, identity, ports and data."""
    files = [
        file
        for folder in ("plans", "data", "config")
        for file in (root / ".booty" / folder).rglob("*")
        if file.is_file()
    ]
    files += [root / ".booty/id", root / ".booty/state/ports.json", root / "booty.lock"]
    return {str(file): file.read_bytes() for file in files if file.exists()}


@pytest.fixture
def small(root: Path) -> Iterator[Path]:
    """The folder of the stack is a disk of 256 KiB."""
    mount(root, "size=256k")
    yield root
    unmount(root)


@pytest.mark.parametrize("room", [0, 8, 16, 24, 32, 40])
def test_full_disk(booty: Any, small: Path, room: int) -> None:
    """Wherever the room ends, it is said, nothing runs, no half file stays; with room it works."""
    write(small, GOOD)
    fill(small, room << 10)
    done = booty("up", "-d", "--json", status=None)
    if done.returncode:
        fault = json.loads(done.stdout)["error"]
        assert (fault["reference"], fault["status"]) in {
            ("folder-unwritable", 3),
            ("plan-unwritable", 3),
            ("state-unwritable", 7),
            ("start-unwritable", 7),
        }
        assert "No space left on device" in fault["message"]
        assert "room" in fault["hint"] or "space" in fault["hint"]
        assert running(booty) == []
        assert [file for file in small.rglob("*") if half(file)] == []
    (small / "fill").unlink()
    booty("up", "-d")

    assert (small / ".booty/.gitignore").read_text() == "*\n"
    assert running(booty) == ["supervisor", "good.0"]


def test_disk_fills_while_a_stack_runs(booty: Any, small: Path) -> None:
    """What runs goes on, its plan is kept, a look still works; down ends it all the same."""
    write(small, GOOD)
    booty("up", "-d")
    rows, files = json.loads(booty("ps", "--json").stdout)["services"], kept(small)
    write(small, f"{GOOD}[services.x]\n{SLEEPER}")
    fill(small)
    said = booty("up", "-d", status=3).stderr

    assert "plan-unwritable: " in said
    assert json.loads(booty("ps", "--json").stdout)["services"] == rows
    assert kept(small) == files
    booty("stop", "good")
    assert running(booty) == ["supervisor"]
    booty("down")
    assert running(booty) == []


@pytest.mark.parametrize("room", [0, 8])
def test_restart_on_a_full_disk(booty: Any, small: Path, room: int) -> None:
    """What runs is not stopped while it could not be started again; with room it is restarted."""
    write(small, GOOD)
    booty("up", "-d")
    (before,) = json.loads(booty("ps", "--json").stdout)["services"]
    fill(small, room << 10)
    said = booty("restart", "good", status=7).stderr

    assert "state-unwritable: " in said
    assert "what runs goes on" in said
    assert json.loads(booty("ps", "--json").stdout)["services"] == [before]
    assert not (small / ".booty/logs/.room").exists()
    (small / "fill").unlink()
    booty("restart", "good")
    assert json.loads(booty("ps", "--json").stdout)["services"][0]["pid"] != before["pid"]


def test_down_on_a_full_disk(booty: Any, small: Path) -> None:
    """The watchers cannot write a line down, and end what runs nevertheless."""
    write(small, GOOD)
    booty("up", "-d")
    fill(small)

    assert "ended well" in booty("down").stdout
    assert running(booty) == []


def test_read_only_disk(booty: Any, small: Path) -> None:
    """Neither a new stack nor a change can be written down; looks and down work."""
    write(small, GOOD)
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    refused(booty, small, 3, "folder-unwritable", "Read-only file system", "state-dir")
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    booty("up", "-d")
    files = kept(small)
    write(small, f"{GOOD}[services.x]\n{SLEEPER}")
    booty("down")
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    refused(booty, small, 3, "folder-unwritable", "Read-only file system")

    assert kept(small) == files


@pytest.mark.parametrize("options", ["size=16k", "ro"])
def test_home_cannot_be_written(booty: Any, root: Path, tmp_path: Path, options: str) -> None:
    """The user's own folder, where ports are leased: said before anything starts."""
    home = tmp_path / "small-home"
    mount(home, options)
    try:
        if options != "ro":
            fill(home)
        write(root, GOOD)
        refused(booty, root, 3, "registry-unwritable", str(home), BOOTY_HOME=str(home))
    finally:
        unmount(home)

    assert list((root / ".booty/plans").glob("*.json")) == []


def test_store_cannot_be_written(booty: Any, root: Path, tmp_path: Path) -> None:
    """A program that finds no room is not tried from one source after another."""
    home = tmp_path / "small-home"
    mount(home, "size=64k")
    try:
        write(root, f'{GOOD}[services.bus]\nuse = "nats"\nsource = "wheel"\n')
        said = refused(booty, root, 5, "store-unwritable", "hint: make room", BOOTY_HOME=str(home))
    finally:
        unmount(home)

    assert "No space left on device" in said
    assert not (root / "booty.lock").exists()


@pytest.mark.parametrize("text", ["", '{"format": 1, "id": "0123', "[]"])
def test_identity_is_damaged(booty: Any, root: Path, text: str) -> None:
    """A cut id is no new stack: what the hint says brings its secrets and data back."""
    write(root, GOOD)
    booty("up", "-d")
    booty("down")
    before = json.loads((root / ".booty/id").read_text())
    (root / ".booty/id").write_text(text)
    said = refused(booty, root, 3, "id-damaged", ".booty/id")
    subprocess.run(["sh", "-c", said.partition("hint: ")[2].strip()], check=True)
    booty("up", "-d")

    assert json.loads((root / ".booty/id").read_text()) == before


def test_socket_path_is_too_long(booty: Any, root: Path, tmp_path: Path) -> None:
    """A deep runtime folder gives way to a shorter one; where there is none, it is said."""
    deep = tmp_path / ("deep" * 20) / ("deep" * 20)
    deep.mkdir(parents=True, mode=0o700)
    write(root, GOOD)
    booty("up", "-d", XDG_RUNTIME_DIR=str(deep))
    assert running(booty) == ["supervisor", "good.0"]
    booty("down")
    script = (
        "mount -t tmpfs -o ro none /run 2>/dev/null; mkdir -p /tmp/booty-0 &&"
        " mount -t tmpfs none /tmp/booty-0 && chown 1 /tmp/booty-0 || exit 99;"
        f' exec "{sys.executable}" -m booty up -d --json'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=root,
        env={**os.environ, "BOOTY_HOME": booty.home, "XDG_RUNTIME_DIR": str(deep)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode in {1, 99, 127} and not done.stdout:
        pytest.skip("only root may hide /run and /tmp/booty-0 from a process")
    fault = json.loads(done.stdout)["error"]

    assert (done.returncode, fault["reference"]) == (7, "socket-path-too-long")
    assert "XDG_RUNTIME_DIR" in fault["hint"]
    assert running(booty) == []
