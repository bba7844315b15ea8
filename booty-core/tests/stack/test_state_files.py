"""Every file that is kept: of a former format, of a newer one, cut, empty, garbled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from booty.errors import ConflictError
from booty.run import whole
from booty.stack import numbers
from booty.stack.place import Place, of_file, read
from booty.supervise import formats, state

SIDE = """
[stack]
name = "kept"

[services.side]
use = "program"
run = ["sleep", "1000"]
ports = { http = 0 }
"""
FILES = (
    "id", "state/stack.json", "state/instances.jsonl", "state/ports.json", "state/secrets.json",
    "state/services/side.json", "plans/latest.json", "data/side.0/.booty-data", "registry",
)  # fmt: skip
SHAPES: dict[str, Any] = {
    "format": 1, "id": 5, "root": [], "stack": 7, "plan": [], "desired": "x", "without": 3,
    "scale": [], "environment": 1, "machine": "m", "guardian": 3, "supervisor": "s", "ports": 4,
    "secrets": {"a": "b"}, "instance": "side.0", "state": 9, "pid": "x", "version": 3,
    "bootstrapped": [], "file": 3, "name": 4,
}  # fmt: skip
DAMAGES = {
    "empty": b"",
    "nul": b"\0" * 512,
    "broken": b'\xff\xfe{"instance": "\xff", ',
    "list": b"[1]\n",
    "shapes": json.dumps(SHAPES).encode() + b"\n",
}
LOOKS = """
import sys
from booty.cli import main
for words in ("ps", "ps --json", "ports", "ls", "describe side", "events", "env", "plan"):
    status = main(words.split())
    if status not in {0, 3, 10}:
        print(f"{words}: {status}", file=sys.stderr)
        sys.exit(1)
"""


@pytest.fixture
def kept(booty: Any, root: Path, tmp_path: Path, stack_env: dict[str, str]) -> Path:
    """A stack that runs, in a home of its own; returns its state folder."""
    stack_env["BOOTY_HOME"] = str(tmp_path / "home")
    (root / "booty.toml").write_text(SIDE)
    booty("up", "-d")
    folder = root / ".booty"
    (folder / "state/services/side.json").write_text('{"format": 1, "bootstrapped": "x"}')
    (folder / "state/secrets.json").write_text('{"format": 1, "secrets": {}}')
    return folder


def file_of(kept: Path, home: str, name: str) -> Path:
    """Return one of the files."""
    if name != "registry":
        return kept / name
    (found,) = (file for file in Path(home).rglob("*.json") if file.stem == read(kept / "id")["id"])
    return found


def pid(kept: Path) -> int | None:
    """Return the process of the only instance."""
    found: int | None = state.read(kept)["instances"][0]["pid"]
    return found


@pytest.mark.parametrize("name", FILES)
def test_damaged(booty: Any, root: Path, kept: Path, stack_env: dict[str, str], name: str) -> None:
    """Looking never breaks, the next up mends it, and what runs goes on with the port it had."""
    file, before = file_of(kept, stack_env["BOOTY_HOME"], name), pid(kept)
    port = json.loads(booty("ps", "--json").stdout)["services"][0]["ports"]
    whole_one = file.read_bytes()
    for damage in (*DAMAGES.values(), whole_one[: len(whole_one) // 2]):
        file.write_bytes(damage)
        argv = [sys.executable, "-c", LOOKS]
        done = subprocess.run(
            argv, cwd=root, env=stack_env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (name, damage, done.stderr)
    told = booty("up", "-d", status=None if name == "id" else 0).stderr
    if name == "id":
        assert told.startswith(("id-damaged", "state-removed"))
        file.write_bytes(whole_one)
        booty("up", "-d")

    assert pid(kept) == before
    assert [row["stack"] for row in json.loads(booty("ports", "--json").stdout)["ports"]] == [
        "kept"
    ]
    assert json.loads(booty("ps", "--json").stdout)["services"][0]["ports"] == port


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_while_stopped(booty: Any, kept: Path, damage: str) -> None:
    """All that can be made again is, whatever stands in the files."""
    booty("down")
    for name in FILES[1:-1]:
        (kept / name).write_bytes(DAMAGES[damage])
    booty("up", "-d")

    assert pid(kept)
    assert numbers.ports(of_file(kept.parent / "booty.toml"))


@pytest.mark.parametrize("name", ["id", "state/stack.json", "state/ports.json"])
def test_newer(booty: Any, kept: Path, name: str) -> None:
    """What a newer booty wrote is refused by its name and number, and stays as it is."""
    booty("down")
    file = kept / name
    newer = {**json.loads(file.read_text()), "format": 99, "news": True}
    file.write_text(json.dumps(newer))
    told = booty("up", "-d", status=10).stderr

    assert told.startswith(f'state-newer: cannot read "{file}": it has format 99')
    assert "pip install --upgrade booty" in told
    assert json.loads(file.read_text()) == newer
    assert not state.read(kept)["instances"][0]["pid"]


def test_newer_data(booty: Any, kept: Path) -> None:
    """Data that a newer booty marked is not started on."""
    booty("down")
    file = kept / "data/side.0/.booty-data"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 7}))

    assert "state-newer" in booty("up", "-d", status=10).stderr


def test_former_format(booty: Any, root: Path, stack_env: dict[str, str], tmp_path: Path) -> None:
    """A folder recorded from the format before: it is taken over, with its ports and numbers."""
    stack_env["BOOTY_HOME"] = str(tmp_path / "home")
    recorded = json.loads((Path(__file__).parent / "former/format-0.json").read_text())
    (root / "booty.toml").write_text(recorded["booty.toml"])
    for name, text in recorded["state"].items():
        file = root / ".booty" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    place = of_file(root / "booty.toml")
    before = numbers.ports(place), numbers.secrets(place)
    booty("up", "-d")
    (row,) = json.loads(booty("ps", "--json").stdout)["services"]
    now = json.loads((root / ".booty/state/ports.json").read_text())

    assert before == ({"web.0/http": 18400, "web.0/raw": 28754}, {"web.main.password": 3})
    assert (row["state"], row["ports"]) == ("ready", {"http": 18400, "raw": 28754})
    assert now == {"format": 1, "ports": before[0]}
    assert place.id == "e3513a87665ef5b4"


def test_formats() -> None:
    """The one before is read, the own too, a newer one is refused; other types are left out."""
    old = {"a.0/http": 8080, "b.0/x": "no"}
    new = {"format": 1, "ports": {"a.0/http": 8080}}

    assert formats.upgraded("ports", old, "f") == new
    assert formats.upgraded("ports", new, "f") == new
    assert formats.upgraded("secrets", {"format": 3}, "f")["secrets"] == {"format": 3}
    with pytest.raises(formats.ControlError, match="format 2, this booty knows 1"):
        formats.upgraded("ports", {"format": 2, "ports": {}}, "f")
    assert formats.sound("stack", {"desired": 5, "scale": {}, "odd": 1}) == {"scale": {}, "odd": 1}


def test_newer_numbers(root: Path) -> None:
    """Numbers of ports that cannot be understood are never taken for none."""
    place = Place(root, root / "booty.toml", root / ".booty")
    (root / ".booty/state").mkdir(parents=True)
    (root / ".booty/state/ports.json").write_text('{"format": 2, "ports": {"a.0/x": 1}}')
    with pytest.raises(ConflictError, match="format 2"):
        numbers.ports(place)


@pytest.mark.parametrize("damage", ["empty", "nul", "broken"])
def test_what_was_asked_for_survives_a_loss_of_power(
    booty: Any, root: Path, kept: Path, damage: str
) -> None:
    """The newest content was not flushed and is gone: numbers that were asked for hold."""
    booty("scale", "side=3")
    booty("down")
    file = kept / "state/stack.json"
    file.unlink()  # another file of that name, as after a rename
    file.write_bytes(DAMAGES[damage])
    booty("up", "-d")

    rows = json.loads(booty("ps", "--json").stdout)["services"]
    assert [row["instance"] for row in rows if row["name"] == "side"] == [
        "side.0", "side.1", "side.2",
    ]  # fmt: skip
    booty("down")
    file.unlink()
    assert "side.1" not in booty("up", "-d", "--json").stdout.partition('"changes"')[0]


def test_what_must_survive_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, and then its name in its folder, are flushed where that is asked for."""
    flushed: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    state.write_json(str(tmp_path / "stack.json"), {"desired": {}}, sync=True)
    whole.replace(tmp_path / "ports.json", b"{}", sync=True)
    state.write_json(str(tmp_path / "health.json"), {})
    whole.replace(tmp_path / "latest.json", b"{}")

    assert flushed[0].startswith(f"{tmp_path}/stack.json")
    assert flushed[1] == str(tmp_path)
    assert flushed[2].startswith(f"{tmp_path}/.ports.json")
    assert flushed[3:] == [str(tmp_path)]
