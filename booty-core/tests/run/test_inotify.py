"""One watch descriptor a loop: who waits for what is told, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from booty.run import inotify
from booty.run.inotify import LOOK, Changes, Names
from booty.run.loop import Loop


@pytest.fixture
def loop() -> Loop:
    """A loop."""
    return Loop()


def turns(loop: Loop, seen: Callable[[], bool]) -> None:
    """Turn the loop until something is so."""
    end = loop.now() + 10.0
    while not seen():
        assert loop.now() < end
        loop.turn(0.2)


def descriptors() -> int:
    """Return how many inotify descriptors this process has."""
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that listed them, and any that a collector closes
            found += "inotify" in str(one.readlink())
    return found


def test_only_the_entry_that_matters(loop: Loop, tmp_path: Path) -> None:
    """A change of another entry of the same folder wakes nobody who did not ask for it."""
    told: list[str] = []
    Changes(loop, str(tmp_path), lambda: told.append("up"), "up")
    Changes(loop, str(tmp_path), lambda: told.append("any"))
    (tmp_path / "other").touch()
    turns(loop, lambda: bool(told))
    assert told == ["any"]

    (tmp_path / "up").touch()
    turns(loop, lambda: "up" in told)


def test_only_what_vanishes(loop: Loop, tmp_path: Path) -> None:
    """Who asks for that alone is not woken by what is made."""
    told: list[str] = []
    Names(loop, str(tmp_path), told.append, only_gone=True)
    (tmp_path / "made").mkdir()
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone").rmdir()
    turns(loop, lambda: bool(told))
    assert told == ["gone"]


@pytest.mark.parametrize("first", [True, False])
def test_of_one_folder_everybody_hears_what_it_asked_for(
    loop: Loop, tmp_path: Path, *, first: bool
) -> None:
    """The kernel knows one watch for a folder: who asks for less costs nobody what it asks for."""
    gone: list[str] = []
    made: list[str] = []
    asked = [
        lambda: Names(loop, str(tmp_path), gone.append, only_gone=True),
        lambda: Changes(loop, str(tmp_path), lambda: made.append("any")),
    ]
    watches = [ask() for ask in (asked if first else reversed(asked))]
    (tmp_path / "up").mkdir()
    turns(loop, lambda: bool(made))
    (tmp_path / "up").rmdir()
    turns(loop, lambda: "up" in gone)
    assert len(watches) == 2


def test_one_descriptor_for_all(loop: Loop, tmp_path: Path) -> None:
    """Two hundred watches cost one descriptor: a user has 128."""
    before = descriptors()
    told: set[int] = set()
    for number in range(200):
        (tmp_path / str(number)).mkdir()
        Changes(loop, str(tmp_path / str(number)), lambda number=number: told.add(number))
    assert descriptors() == before + 1

    for number in range(200):
        (tmp_path / str(number) / "up").touch()
    turns(loop, lambda: len(told) == 200)


def test_closed_watch_is_told_nothing(loop: Loop, tmp_path: Path) -> None:
    """One of two watches of a folder is closed; the other goes on."""
    told: list[str] = []
    first = Changes(loop, str(tmp_path), lambda: told.append("first"))
    Changes(loop, str(tmp_path), lambda: told.append("second"))
    first.close()
    (tmp_path / "new").touch()
    turns(loop, lambda: bool(told))

    assert set(told) == {"second"}


def test_folder_that_goes_and_comes(loop: Loop, tmp_path: Path) -> None:
    """A program removes its folder and makes it again: its file is still found."""
    folder = tmp_path / "run"
    folder.mkdir()
    told: list[bool] = []
    Changes(loop, str(folder), lambda: told.append((folder / "up").exists()))
    folder.rmdir()
    turns(loop, lambda: bool(told))
    folder.mkdir()
    (folder / "up").touch()

    turns(loop, lambda: told[-1])


def test_folder_that_is_not_there(loop: Loop, tmp_path: Path) -> None:
    """A folder that does not exist cannot be watched, and says so."""
    with pytest.raises(FileNotFoundError):
        Changes(loop, str(tmp_path / "none"), lambda: None)


def test_without_inotify(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel has none left, a look is taken every 50 ms."""
    monkeypatch.setattr(inotify, "open_inotify", lambda _: None)
    times: list[float] = []
    Changes(loop, str(tmp_path), lambda: times.append(loop.now()))
    turns(loop, lambda: len(times) == 3)

    assert times[2] - times[0] >= 2 * LOOK * 0.99


def watches() -> int:
    """Return how many watches this process has in its inotify descriptors."""
    found = 0
    for one in Path("/proc/self/fdinfo").iterdir():
        with suppress(OSError):
            found += one.read_text().count("inotify wd:")
    return found


def test_nothing_is_watched_at_the_end(loop: Loop, tmp_path: Path) -> None:
    """The end of a process with watches takes the kernel twenty times as long."""
    before = watches()
    (tmp_path / "other").mkdir()
    Changes(loop, str(tmp_path), lambda: None)
    Changes(loop, str(tmp_path / "other"), lambda: None)
    assert inotify.Stir(loop, str(tmp_path), lambda: None).arm()
    assert watches() == before + 3

    inotify.let_go(loop)
    assert watches() == before
