"""Which files of a tree changed: told once, whatever made them change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from booty.run.globs import Glob
from booty.run.inotify import Names
from booty.run.loop import Loop
from booty.run.trees import Trees

PATIENCE = 30.0


class Watched:
    """Globs that are watched, and what was told of them."""

    def __init__(self, root: Path, *globs: str, **how: Any) -> None:
        self.root = root
        self.loop = Loop()
        self.told: list[set[str]] = []
        self.blind = 0
        found = [Glob(f"{root}/{one}") for one in globs]
        self.trees = Trees(self.loop, found, str(root), self._take, self._blind, **how)
        self.turns(lambda: self.trees.started)

    def _take(self, paths: set[str]) -> None:
        self.told.append({os.path.relpath(path, self.root) for path in paths})

    def _blind(self) -> None:
        self.blind += 1

    def turns(self, wanted: Any) -> None:
        """Let the loop turn until something is so."""
        end = self.loop.now() + PATIENCE
        while not wanted():
            assert self.loop.now() < end, self.told
            self.loop.turn(0.05)

    def next(self) -> set[str]:
        """Return what is told next."""
        self.turns(lambda: self.told)
        return self.told.pop(0)

    def close(self) -> None:
        """Leave nothing."""
        self.trees.close()
        self.loop.turn(0)
        self.loop.close()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Any]:
    """Watch globs below a folder."""
    made: list[Watched] = []

    def begin(*globs: str, **how: Any) -> Watched:
        made.append(Watched(tmp_path, *globs, **how))
        return made[0]

    yield begin
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("glob", "fits", "others"),
    [
        ("src/**/*.py", ["src/a.py", "src/x/y/a.py"], ["a.py", "src/a.txt", "lib/a.py"]),
        ("src/*", ["src/a"], ["src/x/a", "src", "a"]),
        ("src/**", ["src/a", "src/x/a"], ["srcs/a"]),
        ("src", ["src/a", "src/x/a", "src"], ["srcs"]),
        ("conf.toml", ["conf.toml"], ["x/conf.toml", "conf.tomls"]),
        ("**/*.html", ["a.html", "x/y.html"], ["a.htm"]),
        ("src/[ab]?.py", ["src/a1.py", "src/bx.py"], ["src/c1.py", "src/a.py"]),
        ("src/../lib/*.py", ["lib/a.py"], ["src/a.py"]),
    ],
)
def test_globs(glob: str, fits: list[str], others: list[str]) -> None:
    """A star stays within a folder, two go over any number; a plain folder is all below it."""
    made = Glob(f"/r/{glob}")

    assert [made.fits(f"/r/{one}") for one in fits] == [True] * len(fits)
    assert [made.fits(f"/r/{one}") for one in others] == [False] * len(others)
    assert all(made.descends(str(Path(f"/r/{one}").parent)) for one in fits if "/" in one)


def test_changes_of_all_kinds(watch: Any, tmp_path: Path) -> None:
    """Written, replaced by rename as editors do it, removed, made; told by their path."""
    source = tmp_path / "src"
    source.mkdir()
    file = source / "a.py"
    file.write_text("1")
    watched = watch("src/**/*.py")
    file.write_text("22")
    assert watched.next() == {"src/a.py"}
    (source / "a.py.new").write_text("333")
    (source / "a.py.new").rename(file)
    assert watched.next() == {"src/a.py"}
    (source / "b.py").write_text("1")
    assert watched.next() == {"src/b.py"}
    file.unlink()
    assert watched.next() == {"src/a.py"}


def test_what_is_no_change_is_not_told(watch: Any, tmp_path: Path) -> None:
    """Attributes, other files, what editors put beside it, and what is nobody's work."""
    (tmp_path / "a.py").write_text("1")
    (tmp_path / ".git").mkdir()
    watched = watch("**")
    (tmp_path / "a.py").chmod(0o600)
    for name in (".a.py.swp", "a.py~", ".#a.py", "4913", ".git/index", "a.pyc"):
        (tmp_path / name).write_text("x")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/a.txt").write_text("x")
    (tmp_path / "b.py").write_text("1")

    assert watched.next() == {"b.py"}


def test_new_folders_and_their_files(watch: Any, tmp_path: Path) -> None:
    """Made while it is watched, several deep, moved in whole, moved away again."""
    watched = watch("src/**/*.py")
    (tmp_path / "src/x/y").mkdir(parents=True)
    (tmp_path / "src/x/y/a.py").write_text("1")
    assert watched.next() == {"src/x/y/a.py"}
    (tmp_path / "other/z").mkdir(parents=True)
    (tmp_path / "other/z/b.py").write_text("1")
    (tmp_path / "other").rename(tmp_path / "src/other")
    assert watched.next() == {"src/other/z/b.py"}
    (tmp_path / "src/other/z/b.py").write_text("22")
    assert watched.next() == {"src/other/z/b.py"}
    (tmp_path / "src/other").rename(tmp_path / "other")
    assert watched.next() == {"src/other/z/b.py"}
    (tmp_path / "src").rename(tmp_path / "was")
    assert watched.next() == {"src/x/y/a.py"}
    (tmp_path / "was").rename(tmp_path / "src")
    assert watched.next() == {"src/x/y/a.py"}


def test_a_storm_is_told_at_once(watch: Any, tmp_path: Path) -> None:
    """A checkout of many files in many folders is one change."""
    watched = watch("**/*.py")
    for number in range(300):
        folder = tmp_path / f"f{number % 30}/g"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.py").write_text("x")
    found = watched.next()
    while len(found) < 300:  # on a machine that took longer than the longest wait
        found |= watched.next()

    assert len(found) == 300


def test_a_lost_queue_is_looked_through(watch: Any, tmp_path: Path) -> None:
    """When the kernel drops events, all folders are read again."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    watched = watch("**/*.py")
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(limit // 2 + 2000):
        # two at least for each, and none is merged with the one before
        (tmp_path / "a" / f"{number % 2}.txt").touch()
        (tmp_path / "a" / f"{number % 2}.txt").unlink()
    (tmp_path / "b/x.py").write_text("1")

    assert watched.next() == {"b/x.py"}


def test_without_inotify(watch: Any, tmp_path: Path) -> None:
    """It is looked at again and again, and said once."""
    (tmp_path / "x").mkdir()
    watched = watch("**/*.py", eye=Blind, look=0.05)
    (tmp_path / "x/a.py").write_text("1")
    assert watched.next() == {"x/a.py"}
    (tmp_path / "x/y").mkdir()
    (tmp_path / "x/y/b.py").write_text("1")
    assert watched.next() == {"x/y/b.py"}

    assert watched.blind == 1


class Blind(Names):
    """A folder that the kernel cannot tell of."""

    def __init__(self, *_: Any) -> None:
        self.blind = True

    def close(self) -> None:
        """There is nothing to end."""
