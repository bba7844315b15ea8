"""What keeps instances from being started: looked at once for many, told for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from booty.supervise.fill import Values
from booty.supervise.fitness import unfit


def entry(name: str, program: str, cwd: str = "/") -> dict[str, Any]:
    """Return what is looked at of an entry of a run sheet."""
    probes = {"ready": None, "live": None, "reload": {"exec": None}}
    return {
        "name": name, "kind": "service", "argv": [program], "cwd": cwd, "stdin": "/dev/null",
        "env": {}, "needs": [], **probes,
    }  # fmt: skip


def faults(tmp_path: Path, *entries: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the instances that are unfit, and why."""
    values = Values(str(tmp_path), str(tmp_path / ".booty"), str(tmp_path / "run"), "")
    by_name = {one["name"]: one for one in entries}
    found = unfit(by_name, list(by_name), values, {"PATH": "/bin"})
    return [(str(fault.data["subject"]), fault.reference) for _, fault in found]


def test_each_is_told(tmp_path: Path) -> None:
    """Of two with one fault both are told, and nothing of who has another program."""
    missing = str(tmp_path / "missing")
    found = faults(tmp_path, entry("a.0", missing), entry("b.0", "/bin/sh"), entry("c.0", missing))
    assert found == [("a.0", "no-program"), ("c.0", "no-program")]


def test_own_folders_are_looked_at_for_each(tmp_path: Path) -> None:
    """A program in the folder of one instance may be made when that is prepared; for others not."""
    for program in ("@{booty:root}/.booty/data/a.0/tool", ".booty/data/a.0/tool"):
        both = [entry(name, program, "@{booty:root}") for name in ("a.0", "b.0")]
        assert faults(tmp_path, *both) == [("b.0", "no-program")]
        assert faults(tmp_path, *reversed(both)) == [("b.0", "no-program")]

    own = "@{booty:data}/tool"
    assert faults(tmp_path, entry("a.0", own), entry("b.0", own)) == []
