"""Plans of one stack with an S3 service, and stacks of real servers through the front door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import booty
import pytest
from attrs import frozen
from booty.errors import BootyError, BootyErrors
from booty.model.plan import Plan
from booty.testing.stage import Stage


@frozen
class Planned:
    """What a service ``it`` becomes, with a stand-in in the place of every program."""

    root: Path

    def plan(self, text: str, more: str = "", running: Plan | None = None) -> Plan:
        """Plan ``[services.it]`` with these lines."""
        return Stage(root=self.root, provider="minio", service=text, more=more).plan(running)

    def instance(self, text: str, more: str = "") -> Any:
        """Return the first planned instance."""
        return next(one for one in self.plan(text, more).instances if one.instance.service == "it")

    def faults(self, text: str) -> dict[str, str]:
        """Return what planning refuses: sentences by the place in the file."""
        try:
            self.plan(text)
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


@frozen
class Stacks:
    """Makes stacks in one folder."""

    root: Path

    def write(self, text: str) -> Path:
        """Write booty.toml."""
        file = self.root / "booty.toml"
        file.write_text(f"[stack]\nformat = 1\nname = 'shop'\n{text}")
        return file

    @contextmanager
    def up(self, text: str) -> Iterator[booty.SyncStack]:
        """Run a stack until the block ends."""
        with booty.SyncStack.open(self.write(text)) as stack:
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


@pytest.fixture
def stacks(tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Stacks:
    """Stacks that end with the test; programs come from a store that tests share."""
    home = tmp_path / "home"
    home.mkdir()
    assert pytestconfig.cache is not None
    (home / "store").symlink_to(pytestconfig.cache.mkdir("booty-store"))
    monkeypatch.setenv("BOOTY_HOME", str(home))
    return Stacks(tmp_path)
