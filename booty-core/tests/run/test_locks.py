"""File locks that belong to an open file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from booty.run import locks


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A lock file that is not there yet."""
    return str(tmp_path / "x.lock")


def test_one_at_a_time(path: str) -> None:
    """Taken once; free again when its descriptor is closed. Looking makes no file."""
    assert not locks.held(path)
    assert not Path(path).exists()
    first = locks.take(path)
    assert first is not None
    assert locks.held(path)
    assert locks.take(path) is None
    os.close(first)
    assert not locks.held(path)
    second = locks.take(path)
    assert second is not None
    os.close(second)


def test_it_is_private_and_inherited_by_nobody(path: str) -> None:
    """The file is its user's own, and a program that is started does not hold it."""
    fd = locks.take(path)
    assert fd is not None
    assert Path(path).stat().st_mode & 0o777 == 0o600
    with subprocess.Popen(["sleep", "1000"], close_fds=False) as other:
        os.close(fd)
        assert not locks.held(path)
        other.kill()


def test_whoever_shares_the_open_file_holds_it(path: str) -> None:
    """It is held until the last copy is closed, in another process too, and by no child else."""
    fd = locks.take(path)
    assert fd is not None
    code = "import sys; print('here', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        pass_fds=(fd,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        os.close(fd)
        assert locks.held(path)
        other.kill()
        other.wait()
    assert not locks.held(path)


def test_looking_takes_nothing(path: str) -> None:
    """A look at a free lock does not keep anybody from taking it."""
    fd = locks.take(path)
    assert fd is not None
    os.close(fd)
    assert not locks.held(path)
    taken = locks.take(path)
    assert taken is not None
    os.close(taken)


def test_no_folder(tmp_path: Path) -> None:
    """What cannot be there is free, and cannot be taken."""
    assert not locks.held(str(tmp_path / "no" / "x"))
    (tmp_path / "file").touch()
    assert not locks.held(str(tmp_path / "file" / "x"))
    with pytest.raises(FileNotFoundError):
        locks.take(str(tmp_path / "no" / "x"))
