"""The runtime directory and its sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from booty.run import runtime


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables that name a runtime directory of our own."""
    place = tmp_path / "run"
    place.mkdir()
    return {"XDG_RUNTIME_DIR": str(place)}


def test_made_in_the_first_place(environment: dict[str, str]) -> None:
    """The folder is its user's alone, found again, and made anew when it vanished."""
    assert runtime.find("abc", environment) is None
    made = Path(runtime.make("abc", environment))

    assert made == Path(environment["XDG_RUNTIME_DIR"], "booty", "abc")
    assert made.stat().st_mode & 0o777 == 0o700
    assert runtime.find("abc", environment) == str(made)
    made.rmdir()
    assert runtime.make("abc", environment) == str(made)


def test_open_to_others(environment: dict[str, str]) -> None:
    """A folder that others could write to is closed to them."""
    place = Path(environment["XDG_RUNTIME_DIR"], "booty")
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    runtime.make("abc", environment)

    assert place.stat().st_mode & 0o777 == 0o700


def test_a_link_of_somebody(environment: dict[str, str], tmp_path: Path) -> None:
    """What stands there and is no folder of ours is not used: the next place is."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Path(environment["XDG_RUNTIME_DIR"], "booty").symlink_to(elsewhere)
    stack = f"test-{tmp_path.parent.name}-{tmp_path.name}"[:60]
    made = Path(runtime.make(stack, environment))
    made.rmdir()

    assert environment["XDG_RUNTIME_DIR"] not in str(made)
    assert list(elsewhere.iterdir()) == []


def test_too_deep_for_a_socket(tmp_path: Path) -> None:
    """A place whose sockets would have too long a path is passed by."""
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    stack = f"test-{tmp_path.parent.name}-{tmp_path.name}"[:60]
    made = Path(runtime.make(stack, {"XDG_RUNTIME_DIR": str(deep)}))
    made.rmdir()

    assert not str(made).startswith(str(deep))
    with pytest.raises(runtime.SocketPathError):
        runtime.address(f"{deep}/control.sock")


def test_bound_in_place_of_a_stale_one(tmp_path: Path) -> None:
    """A socket of a dead supervisor is replaced; only its user reaches the new one."""
    path = str(tmp_path / "control.sock")
    runtime.bind(path, socket.SOCK_STREAM).close()
    with runtime.bind(path, socket.SOCK_STREAM) as made:
        assert Path(path).stat().st_mode & 0o777 == 0o600
        assert not made.getblocking()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(path)
            made.accept()[0].close()


def test_datagrams(tmp_path: Path) -> None:
    """A socket for notices hears them without a connection."""
    path = str(tmp_path / "notify.sock")
    with runtime.bind(path, socket.SOCK_DGRAM) as made:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.sendto(b"READY=1", path)
        assert made.recv(100) == b"READY=1"
