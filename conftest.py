"""What all tests share: a home of their own, stacks that are ended whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# how long an example takes tells of the machine alone
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# what several folders of tests share: sessions.py
sys.path.insert(0, str(Path(__file__).parent / "tests"))

# tests that run in the background, or without a terminal, were told to ignore these, and so would
# be the commands under test
for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        ctrl_c = _number is signal.SIGINT
        signal.signal(_number, signal.default_int_handler if ctrl_c else signal.SIG_DFL)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One BOOTY_HOME for the whole run: programs are fetched once, ports are leased."""
    base = tmp_path_factory.getbasetemp()
    place = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return place / "booty-home"


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where real programs are kept between runs; in this one alone where pytest keeps nothing."""
    cache = getattr(pytestconfig, "cache", None)  # its plugin may be switched off
    return tmp_path_factory.mktemp("programs") if cache is None else cache.mkdir("booty-store")


@pytest.fixture(scope="session", autouse=True)
def warden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Somebody who ends what runs below the tests' folder, should we be killed."""
    script = Path(__file__).parent / "tests" / "warden.py"
    with subprocess.Popen(
        [sys.executable, script, tmp_path_factory.getbasetemp()],
        stdin=subprocess.PIPE,
        start_new_session=True,
    ):
        yield  # leaving closes the pipe, and waits


@pytest.fixture
def stack_env(shared_home: Path) -> dict[str, str]:
    """The environment of a command under test; nothing of the shell's own settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BOOTY_")}
    return kept | {"BOOTY_HOME": str(shared_home)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder for a stack."""
    place = tmp_path / "stack"
    place.mkdir()
    return place


@pytest.fixture
def booty(root: Path, stack_env: dict[str, str]) -> Iterator[Run]:
    """Run ``booty`` in the folder of the stack, which is brought down at the end."""

    def run(
        *arguments: str, status: int | None = 0, cwd: Path = root, **more: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "booty", *arguments],
            cwd=cwd,
            env=stack_env | more,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=110,
        )
        said = f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert status in {done.returncode, None}, said
        return done

    run.home = stack_env["BOOTY_HOME"]  # type: ignore[attr-defined]  # for tests that go around it
    yield run
    for file in root.rglob("booty.toml"):
        subprocess.run(
            [sys.executable, "-m", "booty", "--file", str(file), "down"],
            env=stack_env,
            capture_output=True,
            check=False,
            timeout=110,
        )
