"""Plans of one stack with an S3 service, and stacks of real servers through the front door."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import booty
import pytest
from attrs import frozen
from booty import config, fetch, plan, providers
from booty.errors import BootyError, BootyErrors, FetchError
from booty.model.plan import Plan
from booty.model.platform import Platform
from booty.testing.stage import Stage

# what tests of this folder share, under names of their own: s3_standin.py
sys.path.insert(0, str(Path(__file__).parent))


@frozen
class Planned:
    """What a service ``it`` becomes, with a stand-in in the place of every program."""

    root: Path

    def plan(self, text: str, more: str = "", running: Plan | None = None) -> Plan:
        """Plan ``[services.it]`` with these lines."""
        # as if no port was taken: a server on 9000 is no business of these plans
        stage = Stage(root=self.root, provider="minio", service=text, more=more, busy={})
        return stage.plan(running)

    def instance(self, text: str, more: str = "") -> Any:
        """Return the first planned instance."""
        return next(one for one in self.plan(text, more).instances if one.instance.service == "it")

    def faults(self, text: str, more: str = "") -> dict[str, str]:
        """Return what planning refuses: sentences by the place in the file."""
        try:
            self.plan(text, more)
        except BootyErrors as error:
            found = list(error.faults)
        except BootyError as error:
            found = [error]
        else:
            found = []
        told = {str(one.subject).removeprefix("services.it."): one for one in found}
        return {place: f"{one.message} {one.hint}" for place, one in told.items()}


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Plans in an empty folder."""
    return Planned(tmp_path)


BUILT = {"minio": "2026-02-12T20-18-48Z"}
"""Versions that Go builds where the publisher's archive of the default one cannot be reached."""


def engine_lines(name: str, store: Path) -> str:
    """Return the lines of booty.toml that run an engine; skip where it cannot be had.

    A program of your own is named by ``BOOTY_TEST_<ENGINE>``, or found on PATH. ``make e2e-minio``
    (``BOOTY_TEST_FETCH=1``) also gets it as a user would, which may build it.
    """
    lines = f'use = "minio"\nengine = "{name}"\nports.api = 0\n'
    if name == "rclone":
        return lines
    found = os.environ.get(f"BOOTY_TEST_{name.upper()}") or shutil.which(name)
    if found:
        return f'{lines}binary = "{found}"\n'
    if not os.environ.get("BOOTY_TEST_FETCH"):
        pytest.skip(f"{name} is not here: BOOTY_TEST_{name.upper()}, PATH, or make e2e-minio")
    return f'{lines}version = "{_fetched(name, store)}"\n'


@functools.cache
def _fetched(name: str, store: Path) -> str:
    told = ""
    for version in ("", BUILT.get(name, "")):
        lines = f'[services.it]\nuse = "minio"\nengine = "{name}"\nversion = "{version}"\n'
        file = store / "booty.toml"
        file.write_text(lines if version else lines.replace('version = ""', ""))
        wishes = plan.resolve(config.load(file), {"minio": providers.load("minio")}, {})
        try:
            fetch.ensure(
                wishes, platform=Platform.current(), lock=fetch.Lock(), store=fetch.Store(store)
            )
        except FetchError as error:
            told = error.message
        else:
            return wishes[0].version
    pytest.skip(f"{name} cannot be had here: {told}")


@pytest.fixture(scope="session")
def here() -> Callable[[str, Path], str]:
    """Give :func:`engine_lines` to modules."""
    return engine_lines


@frozen
class Stacks:
    """Makes stacks in one folder, with programs of one store."""

    root: Path
    store: Path

    def write(self, text: str) -> Path:
        """Write booty.toml."""
        file = self.root / "booty.toml"
        file.write_text(f"[stack]\nformat = 1\nname = 'shop'\n{text}")
        return file

    def change(self, engine: str, text: str) -> Path:
        """Write booty.toml with the service ``files`` of an engine."""
        return self.write(f"[services.files]\n{engine_lines(engine, self.store)}{text}")

    def forget(self) -> None:
        """Remove everything that a stack which is down has left."""
        shutil.rmtree(self.root / ".booty")

    @contextmanager
    def up(self, engine: str, text: str = "") -> Iterator[booty.SyncStack]:
        """Run such a stack until the block ends."""
        with booty.SyncStack.open(self.change(engine, text)) as stack:
            stack.up()
            yield stack


@pytest.fixture
def through() -> Callable[..., Any]:
    """Let a coroutine work with the native client of ``files``, as a consumer."""

    def call(
        stack: booty.SyncStack, work: Callable[[Any], Awaitable[Any]], consumer: str = "user"
    ) -> Any:
        async def run() -> Any:
            async with stack._stack.client("files", consumer) as client:
                return await work(client)

        return stack._portal.call(run)

    return call


@contextmanager
def _stacks(root: Path, programs: Path) -> Iterator[Stacks]:
    home = root / "home"
    home.mkdir()
    (home / "store").symlink_to(programs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOTY_HOME", str(home))
        yield Stacks(root, programs)


@pytest.fixture
def stacks(tmp_path: Path, programs: Path) -> Iterator[Stacks]:
    """Stacks that end with the test; programs come from a store that tests share."""
    with _stacks(tmp_path, programs) as found:
        yield found


@pytest.fixture(scope="module")
def lasting(
    tmp_path_factory: pytest.TempPathFactory, programs: Path
) -> Callable[[], AbstractContextManager[Stacks]]:
    """Give stacks that several tests of a module share."""
    return lambda: _stacks(tmp_path_factory.mktemp("lasting"), programs)
