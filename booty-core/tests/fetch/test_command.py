"""Programs of others: heard, with a deadline, never left running."""

from __future__ import annotations

import os
import signal
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from booty.fetch.command import Said, Stop, run


def shell(folder: Path, text: str, stop: Stop | None = None, deadline: float = 20.0) -> Said:
    """Run a line of shell."""
    return run(
        ["/bin/sh", "-c", text],
        env=os.environ,
        folder=folder,
        deadline=deadline,
        stop=stop or Stop(),
        hear=lambda _: None,
    )


def test_what_it_says(tmp_path: Path) -> None:
    """Both streams are heard, in its folder, without passwords, and its status is its own."""
    said = shell(tmp_path, "pwd; echo get https://me:s3cret@host/x >&2; exit 3")

    assert said == Said(code=3, lines=(str(tmp_path), "get https://host/x"))


def test_a_signal(tmp_path: Path) -> None:
    """One that a signal ended has 128 and more."""
    assert shell(tmp_path, "kill -TERM $$").code == 128 + signal.SIGTERM


def test_a_deadline(tmp_path: Path) -> None:
    """One that takes too long is killed with all that it has started, and what it worked in."""
    folder = tmp_path / "work"
    folder.mkdir()
    said = shell(folder, "cat /dev/zero | cat >/dev/null & wait", deadline=0.2)

    assert said.late
    assert said.code == 128 + signal.SIGKILL
    assert not folder.exists()


def test_nothing_is_begun_when_it_is_over(tmp_path: Path) -> None:
    """After a stop, a program is ended at once, and the caller is told that it is over."""
    stop = Stop()
    stop.now()

    with pytest.raises(CancelledError):
        shell(tmp_path, "cat /dev/zero >/dev/null", stop)
